"""Somebody whose computer has no AWS credentials, or whose login has expired, at the commands."""

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cryoem_cloud.providers.aws.account import FIRST_STEPS, Account
from tests.cli.conftest import User
from tests.ec2sim.cloud import Cloud

_REGION, _SESSION = "us-west-2", "lab"
_STORE = "s3://lab/cryoem"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


@pytest.fixture
def user(cloud: Cloud, tmp_path: Path) -> Iterator[User]:
    home, folder = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    folder.mkdir()
    env = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    somebody = User(home, folder, env)
    yield somebody
    somebody.end_all()


def has_joined(user: User) -> None:
    Account(
        stack="cryoem",
        region=_REGION,
        store=_STORE,
        subnets=("subnet-1",),
        security_group="sg-1",
        machine_policy="arn:aws:iam::123456789012:policy/cryoem/cryoem/machines",
        agents={"x86_64": "@agent/00.tar.gz@00"},
    ).write_to(user.places.config)


_RUN = ("run", "--on", "aws", "--no-wait", "--out", "made", "--", "bash", "-c", "true")


@pytest.mark.parametrize(
    "words", [("aws", "join"), ("aws", "join", "--region", _REGION), ("aws", "doctor"), _RUN]
)
def test_who_has_joined_nothing_reads_one_paragraph(user: User, words: tuple[str, ...]) -> None:
    said = user.type("cryoem", *words)
    assert said.code != 0
    assert FIRST_STEPS in said.err
    assert said.err.count("\n") == 1
    assert not said.out


def test_who_has_joined_nothing_lists_the_machines_of_this_computer(user: User) -> None:
    assert "no machines" in user.cryoem("machines", "ls").err


def test_who_has_lost_the_credentials_reads_the_same(user: User) -> None:
    has_joined(user)
    said = user.type("cryoem", "machines", "ls")
    assert said.code == 10
    assert FIRST_STEPS in said.err
    assert said.err.count("\n") == 1
    said = user.type("cryoem", "aws", "doctor")
    assert said.code == 1
    assert "there are no AWS credentials" in said.out
    assert FIRST_STEPS in said.out
    said = user.type("cryoem", *_RUN, CRYOEM_STORE=_STORE)
    assert said.code == 8
    assert "there are no AWS credentials" in said.err
    assert "aws sso login" in said.err
    assert said.err.count("\n") == 1


def test_a_profile_that_is_not_there_is_named(user: User) -> None:
    said = user.type("cryoem", "aws", "join", AWS_PROFILE="nobody")
    assert said.code == 10
    assert "profile (nobody)" in said.err
    assert "aws configure list-profiles" in said.err


class Portal(BaseHTTPRequestHandler):
    """Identity Center's portal: who brings a token gets a role's credentials."""

    def do_GET(self) -> None:
        expires = datetime.now(UTC) + timedelta(hours=1)
        keys = {
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "secretAccessKey": "secret",
            "sessionToken": "token",
            "expiration": int(expires.timestamp() * 1000),
        }
        body = json.dumps({"roleCredentials": keys}).encode()
        self.send_response(200 if self.headers["x-amz-sso_bearer_token"] == "new" else 401)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def portal() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def logged_in(user: User, token: str, until: timedelta) -> None:
    """As `aws sso login` leaves it."""
    cache = user.home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    expires = datetime.now(UTC) + until
    written = {
        "startUrl": "https://lab.awsapps.com/start",
        "region": _REGION,
        "accessToken": token,
        "expiresAt": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
    }
    name = hashlib.sha1(_SESSION.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(written))
    (user.home / ".aws" / "config").write_text(
        f"[profile {_SESSION}]\nsso_session = {_SESSION}\nsso_account_id = 123456789012\n"
        f"sso_role_name = user\nregion = {_REGION}\n\n[sso-session {_SESSION}]\n"
        f"sso_start_url = https://lab.awsapps.com/start\nsso_region = {_REGION}\n"
    )


def test_a_login_that_has_expired_is_waited_for(user: User, portal: str, cloud: Cloud) -> None:
    """All by botocore's own way from a profile to credentials; only the portal is a stand-in."""
    cloud.stacks._inside.client("s3", "us-east-1").create_bucket(Bucket="lab")
    has_joined(user)
    user.env |= {
        "AWS_PROFILE": _SESSION,
        "AWS_ENDPOINT_URL_SSO": portal,
        "CRYOEM_STORE": _STORE,
        "CRYOEM_HOME": "all",
    }
    logged_in(user, "new", timedelta(hours=1))
    user.cryoem("run", "--out", "first", "--", "true")
    user.end_all()

    logged_in(user, "old", timedelta(hours=-1))
    said = user.type("cryoem", "machines", "ls")
    assert "your AWS credentials have expired (aws sso login" in said.err
    number = user.submit("made", "echo here")
    user.wait_for(lambda: "your AWS credentials have expired" in user.card(number)["note"])
    assert "aws sso login" in user.cryoem("ls").out
    assert "Traceback" not in user.courier_log()

    logged_in(user, "new", timedelta(hours=1))
    user.wait_for(lambda: user.card(number)["phase"] == "ended", seconds=60)
    assert (user.folder / "made" / "run.out").read_text() == "here\n"
    assert "no machines" in user.cryoem("machines", "ls").err
