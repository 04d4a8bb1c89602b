"""Jobs whose store is a real S3 server: with credentials that are off, and one that hangs."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import botocore.session
import pytest

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.testing.proxy import FaultyProxy, Trouble, faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server, ministack, program, weed

from .conftest import SUCCESS, World, end_world, make_world

_BUCKET = "acceptance"
_SCRIPT = "for n in $(seq 1 40); do echo $n; cat in > Shell/job001/f$n; sleep 0.1; done\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not program("weed"):
        pytest.skip("SeaweedFS is not installed: make test installs it")
    with weed(tmp_path_factory.mktemp("weed")) as made:
        session = botocore.session.get_session()
        session.set_credentials(made.key, made.secret)
        client = session.create_client("s3", "us-east-1", endpoint_url=made.endpoint)
        client.create_bucket(Bucket=_BUCKET)
        yield made


@pytest.fixture
def world(server: S3Server, tmp_path: Path) -> Iterator[World]:
    store = f"s3://{_BUCKET}/{tmp_path.name}"
    made = make_world(tmp_path, CRYOEM_STORE=store, **server.env())
    (made.project / "in").write_text("in\n")
    yield made
    end_world(made)


def with_environment(world: World, env: Mapping[str, str]) -> World:
    return World(world.home, world.project, {**world.env, **env})


def is_home(world: World, number: int) -> None:
    folder = world.project / "Shell/job001"
    assert world.wait_for_end(number, seconds=90).outcome is Outcome.SUCCESS
    assert (folder / "run.out").read_text().split() == [str(n) for n in range(1, 41)]
    assert all((folder / f"f{n}").read_text() == "in\n" for n in range(1, 41))
    assert (folder / SUCCESS).exists()
    world.wait_for(lambda: not world.processes("agent"), seconds=30)
    assert world.left_behind() == []


@pytest.mark.soak
def test_a_server_that_resets_is_waited_for(server: S3Server, tmp_path: Path) -> None:
    with faulty_proxy(server.endpoint) as proxy:
        store = f"s3://{_BUCKET}/{tmp_path.name}"
        env = server.env(CRYOEM_STORE=store, AWS_ENDPOINT_URL=proxy.endpoint)
        world = make_world(tmp_path, **env)
        (world.project / "in").write_text("in\n")
        try:
            number = world.submit(_SCRIPT, inputs=("in",))
            world.wait_for((world.project / "Shell/job001/f3").exists, seconds=30)
            proxy.trouble(*[Trouble(reset=True)] * 50)
            world.wait_for(lambda: "s3://" in world.card(number).note, seconds=40)
            is_home(world, number)
        finally:
            end_world(world)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_server_that_hangs_is_waited_for(world: World, server: S3Server) -> None:
    number = world.submit(_SCRIPT, inputs=("in",))
    world.wait_for((world.project / "Shell/job001/f3").exists, seconds=30)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        world.wait_for(lambda: "s3://" in world.card(number).note, seconds=45)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    is_home(world, number)


def test_credentials_that_are_off_are_told_and_new_ones_taken(
    world: World, server: S3Server
) -> None:
    world.front("reserve")
    wrong = with_environment(world, {"AWS_SECRET_ACCESS_KEY": "wrong"})
    number = wrong.submit(_SCRIPT, inputs=("in",))
    wrong.wait_for(lambda: "credential" in wrong.card(number).note, seconds=30)
    assert wrong.card(number).open
    wrong.kill("courier")
    world.wake()
    is_home(world, number)


def test_the_users_programs_see_no_credentials(world: World) -> None:
    number = world.submit("env > Shell/job001/seen\n")
    assert world.wait_for_end(number).outcome is Outcome.SUCCESS
    seen = (world.project / "Shell/job001/seen").read_text()
    assert "PATH=" in seen
    assert "AWS_" not in seen


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[tuple[World, FaultyProxy]]:
    """A user who is known to a real server, which takes any credentials, by their AWS profile."""
    if not program("ministack"):
        pytest.skip("MiniStack is not installed: make test installs it")
    with ministack(tmp_path / "server") as server, faulty_proxy(server.endpoint) as proxy:
        env = server.env(CRYOEM_STORE=server.bucket(), AWS_ENDPOINT_URL=proxy.endpoint)
        known = {name: value for name, value in env.items() if "_KEY" not in name}
        world = make_world(tmp_path, **known)
        (world.project / "in").write_text("in\n")
        login(world, "FIRST")
        yield world, proxy
        end_world(world)


def login(world: World, key: str) -> None:
    """What `credential_process` gives from now on, as after an `aws sso login`."""
    folder = world.home / ".aws"
    folder.mkdir(exist_ok=True)
    said = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": "s", "SessionToken": "t"}
    (folder / "said.json").write_text(json.dumps(said))
    (folder / "config").write_text(f"[default]\ncredential_process = cat {folder}/said.json\n")


def is_told(world: World, number: int, *words: str) -> None:
    """Whether the job waits, and says why wherever one looks."""
    world.wait_for(lambda: words[0] in world.card(number).note, seconds=30)
    assert world.card(number).open
    for said in (
        world.command("cryoem", "ls", "--all"),
        world.command("cryoem", "why", str(number)),
    ):
        assert all(word in said for word in words), said


def test_credentials_that_expire_in_mid_job_are_told_and_new_ones_taken(
    troubled: tuple[World, FaultyProxy],
) -> None:
    world, proxy = troubled
    number = world.submit(_SCRIPT, inputs=("in",))
    world.wait_for((world.project / "Shell/job001/f3").exists, seconds=30)

    def expired(headers: Mapping[str, str]) -> Trouble:
        old = "Credential=FIRST/" in headers.get("Authorization", "")
        return Trouble(status=400, code="ExpiredToken") if old else Trouble()

    proxy.rule = expired
    is_told(world, number, "your AWS credentials have expired", "aws sso login")
    login(world, "SECOND")
    is_home(world, number)


def test_a_clock_that_is_off_by_a_day_is_told_and_waited_for(
    troubled: tuple[World, FaultyProxy],
) -> None:
    world, proxy = troubled
    number = world.submit(_SCRIPT, inputs=("in",))
    world.wait_for((world.project / "Shell/job001/f3").exists, seconds=30)
    proxy.rule = lambda _: Trouble(status=403, code="RequestTimeTooSkewed")
    is_told(world, number, "this computer's clock is off", "timedatectl set-ntp true")
    proxy.rule = None
    is_home(world, number)
