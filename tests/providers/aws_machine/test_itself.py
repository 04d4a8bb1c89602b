"""What a machine asks of AWS about itself, with the simulated account's own checks of requests."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import botocore.session
import pytest

from cryoem_cloud.model.errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderUnreachableError,
)
from cryoem_cloud.ports.machine_self import Notice
from cryoem_cloud.providers.aws.machine.asking import Asking
from cryoem_cloud.providers.aws.machine.imds import Credentials, Metadata
from cryoem_cloud.providers.aws.machine.itself import AwsSelf, aws_self
from cryoem_cloud.providers.aws.machine.lapse import lapse_at
from cryoem_cloud.providers.aws.names import LAPSE, STATE
from cryoem_cloud.testing.clock import StoppedClock
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.faults import What
from tests.providers.aws_machine.lab import GROUP, Lab

START = datetime(2026, 1, 1, tzinfo=UTC)


class Imds(HTTPServer):
    """A metadata service whose answers a test writes; it counts what is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.leaves: dict[str, str] = {}
        self.asked: list[str] = []
        self.tokens = 0

    @property
    def env(self) -> dict[str, str]:
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{self.server_port}"}


class _Answer(BaseHTTPRequestHandler):
    server: Imds

    def do_PUT(self) -> None:
        self.server.tokens += 1
        self._say(f"token-{self.server.tokens}")

    def do_GET(self) -> None:
        if self.headers.get("X-aws-ec2-metadata-token") != f"token-{self.server.tokens}":
            self.send_error(401)
            return
        path = self.path.removeprefix("/latest/meta-data/")
        self.server.asked.append(path)
        if path in self.server.leaves:
            self._say(self.server.leaves[path])
        else:
            self.send_error(404)

    def _say(self, words: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
        """Be quiet."""


@pytest.fixture
def imds() -> Iterator[Imds]:
    server = Imds()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def give_role(imds: Imds, until: datetime, key: str = "ASIA1") -> None:
    imds.leaves["iam/security-credentials/"] = "machines"
    given = {"AccessKeyId": key, "SecretAccessKey": "s", "Token": "t", "Expiration": stamp(until)}
    imds.leaves["iam/security-credentials/machines"] = json.dumps(given)


def test_a_machine_knows_what_it_is_told(imds: Imds) -> None:
    imds.leaves |= {
        "instance-id": "i-1",
        "placement/region": "eu-west-1",
        "placement/availability-zone": "eu-west-1b",
        "instance-type": "m5.large",
        "tags/instance/": "Name\ncryoem:job",
        "tags/instance/Name": "x",
        "tags/instance/cryoem:job": "00000007",
    }
    told = Metadata(imds.env)
    assert (told.instance_id, told.region, told.zone) == ("i-1", "eu-west-1", "eu-west-1b")
    assert told.kind == "m5.large"
    assert told.tags() == {"Name": "x", "cryoem:job": "00000007"}
    assert imds.tokens == 1


def test_a_token_that_is_not_known_any_more_is_asked_for_again(imds: Imds) -> None:
    imds.leaves["instance-id"] = "i-1"
    told = Metadata(imds.env)
    assert told.instance_id == "i-1"
    imds.tokens += 1  # as after a stop
    assert told.instance_id == "i-1"


def test_credentials_are_kept_until_they_are_about_to_expire(imds: Imds) -> None:
    now = [START]
    told = Metadata(imds.env, now=lambda: now[0])
    give_role(imds, START + timedelta(hours=6))
    first = told.credentials()
    assert (first.access_key, first.token) == ("ASIA1", "t")
    assert "ASIA1" not in repr(first)
    give_role(imds, START + timedelta(hours=12), "ASIA2")
    now[0] = START + timedelta(hours=5, minutes=45)
    assert told.credentials() is first
    now[0] = START + timedelta(hours=5, minutes=55)
    assert told.credentials().access_key == "ASIA2"


def test_what_is_not_there_is_said(imds: Imds) -> None:
    told = Metadata(imds.env)
    with pytest.raises(ProviderError, match="no role"):
        told.credentials()
    assert told.taken_at() is None
    assert not told.in_danger()
    nowhere = Metadata({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"})
    with pytest.raises(ProviderUnreachableError):
        _ = nowhere.instance_id


@pytest.fixture
def account(session: botocore.session.Session) -> Iterator[Lab]:
    """With a group of machines that pretend."""
    with Cloud() as cloud:
        lab = Lab(cloud, session)
        lab.make(b"", "0" * 64)
        yield lab


def asking(lab: Lab) -> Asking:
    keys = Credentials(*lab._keys, "", datetime.max.replace(tzinfo=UTC))
    return Asking(
        region="us-east-1",
        env={"AWS_ENDPOINT_URL": lab.cloud.url},
        credentials=lambda: keys,
        sleep=lambda _: None,
    )


@dataclass
class Told:
    """The words that the machine's init system was given."""

    words: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, *words: str) -> None:
        self.words.append(words)


def machine_of(  # noqa: PLR0917
    lab: Lab, imds: Imds, folder: Path, name: str, clock: StoppedClock
) -> tuple[AwsSelf, Told]:
    told = Told()
    return AwsSelf(
        name=name,
        group=GROUP,
        folder=folder,
        limit_s=86400.0,
        until=clock.now() + timedelta(hours=24),
        metadata=Metadata(imds.env, now=clock.now),
        asking=asking(lab),
        clock=clock,
        shut_down=told,
    ), told


def soon() -> StoppedClock:
    """A clock that stands at the real now, which AWS's checks of instants go by."""
    return StoppedClock(datetime.now(UTC))


def launched(lab: Lab, count: int) -> list[str]:
    lab.launch("#!/bin/sh\n", count=count)
    lab.cloud.clock.skip(60)
    return [kept.id for kept in lab.cloud.living()]


def test_a_machine_that_is_up_says_so_and_arms_the_jobs_limit(
    account: Lab, imds: Imds, tmp_path: Path
) -> None:
    (name,) = launched(account, 1)
    myself, told = machine_of(account, imds, tmp_path, name, soon())
    myself.up()
    myself.up()
    assert (tmp_path / "up").exists()
    assert told.words == [("-P", "+1450")]  # 24 h and 10 min
    assert account.tags(name)[STATE] == "up"
    myself.worked()
    assert account.tags(name)[STATE] == "worked"


def test_where_all_is_done_the_group_goes(account: Lab, imds: Imds, tmp_path: Path) -> None:
    name, _ = launched(account, 2)
    myself, told = machine_of(account, imds, tmp_path, name, soon())
    myself.leave(last=True)
    assert told.words == [("-h", "now")]
    account.cloud.clock.skip(120)
    assert account.group() is None
    assert not account.cloud.living()
    assert account.tags(name)[STATE] == "left"


def test_another_one_leaves_the_group_smaller(account: Lab, imds: Imds, tmp_path: Path) -> None:
    first, second = launched(account, 2)
    myself, told = machine_of(account, imds, tmp_path, first, soon())
    myself.leave(last=False)
    assert told.words == [("-h", "now")]
    account.cloud.clock.skip(120)
    group = account.group()
    assert group is not None
    assert group["DesiredCapacity"] == 1
    assert [kept.id for kept in account.cloud.living()] == [second]


@pytest.mark.parametrize("last", [False, True])
def test_a_machine_ends_even_if_aws_does_not_answer(
    account: Lab, imds: Imds, tmp_path: Path, *, last: bool
) -> None:
    (name,) = launched(account, 1)
    myself, told = machine_of(account, imds, tmp_path, name, soon())
    group = "DeleteAutoScalingGroup", "TerminateInstanceInAutoScalingGroup"
    for call in ("CreateTags", *group):
        account.cloud.faults.plan(What.LOST_BEFORE, call, times=9)
    myself.leave(last=last)
    assert told.words == [("-h", "now")]


def test_progress_pushes_the_lapse_and_not_too_often(
    account: Lab, imds: Imds, tmp_path: Path
) -> None:
    (name,) = launched(account, 1)
    clock = soon()
    myself, _ = machine_of(account, imds, tmp_path, name, clock)

    myself.progressed()
    first = account.ends_at(LAPSE)
    assert first == lapse_at(clock.now())
    assert first.second % 2 == 0
    clock.pass_(599.0)
    myself.progressed()
    assert account.ends_at(LAPSE) == first
    clock.pass_(1.0)
    myself.progressed()
    assert account.ends_at(LAPSE) == lapse_at(clock.now())


def test_a_push_that_is_lost_is_made_again_a_minute_later(
    account: Lab, imds: Imds, tmp_path: Path
) -> None:
    (name,) = launched(account, 1)
    clock = soon()
    myself, _ = machine_of(account, imds, tmp_path, name, clock)
    account.cloud.faults.plan(What.LOST_BEFORE, "PutScheduledUpdateGroupAction", times=4)
    myself.progressed()
    assert account.ends_at(LAPSE) is None
    clock.pass_(60.0)
    myself.progressed()
    assert account.ends_at(LAPSE) == lapse_at(clock.now())


def test_an_extended_job_has_more_time(account: Lab, imds: Imds, tmp_path: Path) -> None:
    (name,) = launched(account, 1)
    clock = soon()
    myself, told = machine_of(account, imds, tmp_path, name, clock)
    myself.up()
    assert myself.limits().left_s == 24 * 3600.0
    for hours in (28, 28, 26):
        myself.extend(clock.now() + timedelta(hours=hours))
        assert myself.limits().left_s == 28 * 3600.0
        assert myself.limits().whole_s == 28 * 3600.0
    assert told.words == [("-P", "+1450"), ("-P", "+1690")]


def test_notices_of_spot_machines(account: Lab, imds: Imds, tmp_path: Path) -> None:
    clock = StoppedClock(START)
    myself, told = machine_of(account, imds, tmp_path, "i-1", clock)
    assert myself.notice() is None
    since = json.dumps({"noticeTime": stamp(START)})
    imds.leaves["events/recommendations/rebalance"] = since
    assert myself.notice() == Notice()
    at = stamp(START + timedelta(seconds=120))
    imds.leaves["spot/instance-action"] = json.dumps({"action": "terminate", "time": at})
    assert myself.notice() == Notice(within_s=120.0)
    clock.pass_(50.0)
    assert myself.notice() == Notice(within_s=70.0)
    myself.make_way()
    assert clock.slept == [130.0]
    assert told.words == [("-h", "now")]


def test_what_aws_refuses_is_said_in_its_words(account: Lab) -> None:
    with pytest.raises(
        ProviderError, match=r"DeleteAutoScalingGroup: ValidationError: .*not found"
    ):
        asking(account).delete_group("nothing")
    (name,) = launched(account, 1)
    account.cloud.enforce_iam()
    wrong = Asking(
        region="us-east-1",
        env={"AWS_ENDPOINT_URL": account.cloud.url},
        credentials=lambda: Credentials("AKIAWRONG", "x", "", datetime.now(UTC)),
    )
    with pytest.raises(ProviderDeniedError):
        wrong.tag(name, {STATE: "up"})


def test_a_machine_finds_itself(imds: Imds, tmp_path: Path) -> None:
    imds.leaves |= {"instance-id": "i-1", "placement/region": "cn-north-1"}
    clock = StoppedClock()
    found = aws_self(
        group="g", folder=tmp_path, limit_s=1.0, until=START, env=imds.env, clock=clock
    )
    assert found.name == "i-1"
    assert found.asking._url("ec2") == "https://ec2.cn-north-1.amazonaws.com.cn/"


def test_a_machine_that_shows_no_life_is_ended_and_replaced(
    account: Lab, imds: Imds, tmp_path: Path
) -> None:
    first, second = launched(account, 2)
    myself, _ = machine_of(account, imds, tmp_path, first, soon())
    myself.replace(second)
    myself.replace("i-00000000000000000")  # gone
    myself.replace("local-001-ab12cd")  # none of AWS's
    account.cloud.clock.skip(120)
    group = account.group()
    assert group is not None
    assert group["DesiredCapacity"] == 2
    living = {kept.id for kept in account.cloud.living()}
    assert first in living
    assert second not in living
    assert len(living) == 2
