"""`make live-aws`, with a simulated AWS in Amazon's place."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cryoem_cloud.providers.aws.calls import Calls
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.bootworld import reason_not_to_boot
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.house import House
from tests.ec2sim.iam import Request
from tests.live_aws.report import Report
from tests.live_aws.whole import nothing_left
from tests.providers.aws.stack.evaluator import Question, judged
from tests.providers.aws.stack.lab import ADMIN, REGION, Lab, Packed

_ROOT = Path(__file__).parents[3]
_ACCOUNT = "123456789012"


def judge(request: Request) -> bool:
    question = Question(
        policies=request.policies,
        action=request.action,
        resource=request.resource,
        context=request.context,
        boundary=request.boundary,
    )
    return judged([question])[0].allowed


def administrator(lab: Lab, home: Path) -> dict[str, str]:
    keys = lab.env("root")
    lab.client("iam").put_user_policy(
        UserName="root", PolicyName="all", PolicyDocument=json.dumps(ADMIN)
    )
    lab.cloud.enforce_iam()
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "AWS_REGION": REGION, **keys}


def live(env: Mapping[str, str], answer: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.live_aws"],
        cwd=_ROOT,
        env=dict(env),
        input=answer,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture
def still(tmp_path: Path) -> Iterator[Lab]:
    with Cloud() as cloud:
        yield Lab(cloud, Packed(tmp_path / "none"))


def test_it_does_nothing_without_account_money_and_yes(still: Lab, tmp_path: Path) -> None:
    env = administrator(still, tmp_path / "home")
    before = list(still.cloud.door.calls)
    said = live(env, "yes\n")
    assert said.returncode == 2
    assert "CRYOEM_LIVE_ACCOUNT=" in said.stderr
    assert still.cloud.door.calls == before
    said = live({**env, "CRYOEM_LIVE_ACCOUNT": "210987654321"}, "yes\n")
    assert said.returncode == 2
    assert f"credentials of {_ACCOUNT}, not of 210987654321" in said.stderr
    named = {**env, "CRYOEM_LIVE_ACCOUNT": _ACCOUNT}
    said = live({**named, "CRYOEM_LIVE_MACHINE": "g6e.xlarge"}, "yes\n")
    assert said.returncode == 2
    assert "may cost 220 cents, and 50 are allowed" in said.stderr
    said = live(named, "no\n")
    assert said.returncode == 2
    assert "At most 5 cents" in said.stdout
    made = set(still.cloud.door.calls) - set(before)
    assert made == {"sts.GetCallerIdentity", "pricing.GetProducts"}


def test_what_teardown_would_leave_is_found(still: Lab, tmp_path: Path) -> None:
    """By each of the two listings."""
    env = administrator(still, tmp_path / "home")
    still.archive.path.write_bytes(b"agent")
    calls = Calls(env, REGION)
    report = Report(REGION, simulated=True, say=lambda _: None)
    still.set_up(calls)
    nothing_left(report, calls, "cryoem")
    assert len(report.failed) == 2
    assert not report.rows


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_all_passes_and_nothing_is_left(tmp_path: Path) -> None:
    if why := reason_not_to_boot():
        pytest.skip(why)
    house = House(directory=tmp_path / "machines", minute_s=3.0, grace_s=1.0)
    with Cloud(minute=1.0, machines=BootedMachines(house)) as cloud:
        cloud.judge = judge
        lab = Lab(cloud, Packed(tmp_path / "none"))
        env = administrator(lab, tmp_path / "home")
        said = live({**env, "CRYOEM_LIVE_ACCOUNT": _ACCOUNT}, "yes\n")
        assert said.returncode == 0, (said.stdout, said.stderr)
        assert "FAIL" not in said.stdout
        assert "PASS  after teardown, GetResources" in said.stdout
        assert "no: simulated, us-west-2" in said.stdout
        assert "it cost at most" in said.stdout
        assert census(lab.client).keys() == {"users"}
