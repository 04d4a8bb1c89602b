"""From `cryoem run --on aws` to the results at home, through a group and a booted machine."""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryoem_cloud.providers.aws.account import Account
from tests.cli.conftest import User
from tests.providers.aws_machine.lab import Lab

_REGION = "us-east-1"
_PRICED = "m4.2xlarge"
"""A machine type that the catalogue and the simulator both know: $0.40 an hour."""


def joined(lab: Lab, user: User) -> Account:
    """The account, as `cryoem aws join` would write it."""
    ec2 = lab.ask("ec2")
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]]
    group = ec2.create_security_group(GroupName="machines", Description="nobody in")["GroupId"]
    arn = lab.machine_policy()
    account = Account(
        stack="cryoem",
        region=_REGION,
        store=lab.url,
        subnets=tuple(subnets),
        security_group=group,
        machine_policy=arn,
        agents={"x86_64": lab.agent},
    )
    account.write_to(user.places.config)
    return account


@pytest.fixture
def user(lab: Lab, tmp_path: Path) -> Iterator[User]:
    """Somebody who has joined the account."""
    home, folder = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    folder.mkdir()
    env = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "CRYOEM_STORE": lab.url,
        "CRYOEM_WHERE": "aws",
        **lab.credentials,
    }
    somebody = User(home, folder, env)
    joined(lab, somebody)
    yield somebody
    somebody.end_all()


def test_a_job_runs_at_aws_and_comes_home(lab: Lab, user: User) -> None:
    (user.folder / "x").write_text("sent\n")
    said = user.type(
        *("cryoem", "run", "--machine", "m5.large", "--in", "x", "--out", "made", "--"),
        *("bash", "-c", "echo hello; cat x > made/y; hostname > made/where"),
    )
    assert said.code == 0, (said.err, user.courier_log())
    assert "hello" in said.out
    assert (user.folder / "made" / "y").read_text() == "sent\n"
    assert (user.folder / "made" / "where").read_text().startswith("ip-")
    lab.until(lambda: not lab.cloud.living())


@pytest.mark.soak
def test_a_dear_job_of_a_queue_waits_is_approved_and_costs_what_aws_says(
    lab: Lab, user: User
) -> None:
    """Within a budget, which has what it cost at last; to the second, with EC2's least of 60 s."""
    user.env["CRYOEM_ASK_ABOVE"] = "1"
    user.cryoem("connect", "relion")
    user.cryoem("budget", "set", "30/month")
    wishes = f"#CRYOEM machine={_PRICED}\n#CRYOEM market=on-demand\n#CRYOEM out=made\n"
    said = user.type("cryoem-qsub", stdin=f"{wishes}echo hello > made/x\n")
    assert (said.out, said.err) == ("Submitted batch job 1\n", "")
    user.wait_for(lambda: "needs approval" in user.card(1)["note"], seconds=60)
    assert not list(lab.cloud.life)
    asked = (user.folder / "made" / "run.out").read_text()
    assert f"1 machine like {_PRICED} (on-demand), $0.42 an hour each, for 24 h at most" in asked
    user.cryoem("approve", "1")
    assert user.type("cryoem", "wait", "1").code == 0, user.courier_log()
    user.wait_for(lambda: not user.cryoem("budget", "--json").json["reserved"], seconds=60)
    (kept,) = lab.cloud.life
    launched = kept.record.launch_time.replace(microsecond=0, tzinfo=UTC)
    (ended,) = re.findall(r"\((.+) GMT\)", kept.record._reason)
    seconds = (datetime.fromisoformat(f"{ended}+00:00") - launched).total_seconds()
    told = user.cryoem("costs", "--json").json
    assert {each["seconds"] for each in told["charges"]} == {max(60, seconds)}
    (machine,) = [Decimal(c["usd"]) for c in told["charges"] if c["what"] == "machine"]
    assert machine == Decimal("0.4") * int(max(60, seconds)) / 3600
    (month,) = user.cryoem("budget", "--json").json["months"]
    assert Decimal(month["spent_usd"]) == Decimal(told["sums"][0]["usd"])
    assert "cryoem: job 1 cost $0." in (user.folder / "made" / "run.out").read_text()


def test_machines_are_listed_entered_and_ended(lab: Lab, user: User, tmp_path: Path) -> None:
    """By their owner; the AWS command line is a stand-in that says how it was called."""
    number = user.submit("made", "echo here; sleep 1000")
    listed = ("cryoem", "machines", "ls", "--json")
    user.wait_for(lambda: user.type(*listed).json["machines"], seconds=60)
    (machine,) = user.type(*listed).json["machines"]
    assert (machine["where"], machine["job"], machine["market"]) == ("aws", number, "spot")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "aws").write_text("#!/bin/sh\necho called with $*\n")
    (tools / "aws").chmod(0o755)
    path = f"{tools}:{user.env['PATH']}"
    said = user.type("cryoem", "machines", "ssh", machine["name"], PATH=path)
    wanted = f"called with ssm start-session --target {machine['name']} --region {_REGION}\n"
    assert said.out == wanted
    assert "end at 20" in user.cryoem("extend", str(number), "4h").err
    bucket, prefix = lab.url.removeprefix("s3://").split("/", 1)
    kept = lab.ask("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert any(f"/jobs/{number:08d}/extended/000001" in each["Key"] for each in kept)
    user.cryoem("machines", "kill", machine["name"])
    user.wait_for(lambda: not lab.cloud.living(), seconds=60)
    (left,) = user.type(*listed, "--all").json["machines"]
    assert (left["name"], left["state"]) == (machine["name"], "left")


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("relion_refine"), reason="needs RELION")
def test_relion_of_the_machines_runs(lab: Lab, user: User) -> None:
    said = user.type(
        *("cryoem", "run", "--machine", "m5.large", "--out", "made", "--"),
        *("bash", "-c", "relion_refine --version > made/version"),
    )
    assert said.code == 0, (said.err, user.courier_log())
    assert "RELION" in (user.folder / "made" / "version").read_text()


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("relion_run_motioncorr"), reason="needs RELION")
def test_a_job_of_relions_gets_the_machine_of_its_plan(lab: Lab, user: User) -> None:
    rows = []
    for name in ("a", "b"):
        with mrcfile.new(user.folder / f"{name}.mrcs") as file:
            frames = np.random.default_rng(1).normal(10, 1, (4, 128, 128))
            file.set_data(frames.astype(np.float32))
        rows.append(f"{name}.mrcs 1\n")
    optics = "OpticsGroupName OpticsGroup MicrographOriginalPixelSize Voltage SphericalAberration"
    (user.folder / "movies.star").write_text(
        _table("optics", f"{optics} AmplitudeContrast", "one 1 3.5 300 2.7 0.1\n")
        + _table("movies", "MicrographMovieName OpticsGroup", *rows)
    )
    made = "MotionCorr/job001"
    command = f"relion_run_motioncorr --i movies.star --o {made}/ --use_own --j 1"
    said = user.type(
        *("cryoem", "run", "--", *command.split()),
        *("--first_frame_sum", "1", "--last_frame_sum", "-1", "--patch_x", "1", "--patch_y", "1"),
    )
    assert said.code == 0, (said.out, said.err, user.courier_log())
    assert (user.folder / made / "corrected_micrographs.star").exists()
    (machine,) = user.type("cryoem", "machines", "ls", "--all", "--json").json["machines"]
    assert said.out.startswith(f"cryoem: plan: 1 x {machine['type']}, Spot: "), said.out
    assert "of 2026-07-05" in said.out


def _table(name: str, labels: str, *rows: str) -> str:
    names = "".join(f"_rln{label} #{at}\n" for at, label in enumerate(labels.split(), 1))
    return f"\ndata_{name}\n\nloop_\n{names}{''.join(rows)}\n"
