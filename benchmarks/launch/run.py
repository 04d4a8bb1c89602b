"""How long from `cryoem run --on aws` to a machine's first claim, and what AWS is asked for it.

    python -m benchmarks.launch.run [--rounds 3] [--calls-only]

Time: one job on one machine of the simulated AWS (tests/ec2sim) that boots as a sandbox of this
computer, with the project's own agent; needs root. Amazon needs longer for two of the phases, which
are named so. Calls: fleets of 1, 10 and 100 machines that pretend; each call is counted by name. A
call that is made more often for more machines is a failure, as AWS has listings: exit code 1.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import botocore.session

from benchmarks.launch.calls import Counted, counted_calls
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.archive import build
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.bootworld import reason_not_to_boot
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.house import House
from tests.ec2sim.network import ENDPOINT_PORT
from tests.ec2sim.server import Door
from tests.providers.aws_machine.lab import Lab, python_folder, wheels_of

FLEETS = (1, 10, 100)
PACKAGES = (
    *("backports.zstd", "blake3", "botocore", "jmespath"),
    *("numpy", "python-dateutil", "six", "urllib3"),
)
PATIENCE_S = 120.0
CRYOEM = Path(sys.executable).parent / "cryoem"


@dataclass(frozen=True)
class Heard:
    """A request to the simulated AWS. `by` is `home` or `machine`."""

    at_s: float
    by: str
    method: str
    path: str
    call: str


@contextmanager
def listening() -> Iterator[list[Heard]]:
    """All requests as they come; calls of EC2's and the like by their names."""
    heard: list[Heard] = []
    answer: Callable[..., Any] = Door.__call__

    def hear(door: Door, environ: dict[str, Any], start: Callable[..., Any]) -> Any:  # noqa: ANN401
        at_s, before = time.monotonic(), len(door.calls)
        found = answer(door, environ, start)
        by = "machine" if int(environ["SERVER_PORT"]) == ENDPOINT_PORT else "home"
        call = door.calls[before] if len(door.calls) > before else ""
        heard.append(Heard(at_s, by, environ["REQUEST_METHOD"], environ["PATH_INFO"], call))
        return found

    with patch.object(Door, "__call__", hear):
        yield heard


def phases(heard: list[Heard], began_s: float, returned_s: float) -> dict[str, float]:
    """Seconds, phase after phase, from the first claim backwards."""

    def first(fits: Callable[[Heard], bool]) -> float:
        return min(each.at_s for each in heard if fits(each))

    asked_s = first(lambda each: each.call == "ec2.DescribeInstanceTypes")
    raised_s = first(lambda each: each.call == "autoscaling.UpdateAutoScalingGroup")
    archive_s = first(lambda each: each.by == "machine" and "/@agent/" in each.path)
    claim_s = first(lambda each: each.method == "PUT" and "/turns/" in each.path)
    agent_s = first(
        lambda each: each.by == "machine" and "/jobs/" in each.path and each.at_s > archive_s
    )
    return {
        "submit (the command returns)": returned_s - began_s,
        "courier, until AWS is asked": asked_s - returned_s,
        "launch calls": raised_s - asked_s,
        "boot (simulated)": archive_s - raised_s,
        "agent: fetched, unpacked, up": agent_s - archive_s,
        "agent: first claim": claim_s - agent_s,
        "in all": claim_s - began_s,
    }


def one_round(top: Path, session: botocore.session.Session, archive: Path, digest: str) -> Any:  # noqa: ANN401
    """One job on one machine, in an account that is empty but for the store and the agent."""
    house = House(directory=top / "machines", minute_s=3.0, grace_s=1.0)
    with listening() as heard, Cloud(minute=1.0, machines=BootedMachines(house)) as cloud:
        lab = Lab(cloud, session)
        lab.make(archive.read_bytes(), digest)
        home, project = top / "home", top / "project"
        home.mkdir()
        project.mkdir()
        env = {"HOME": str(home), "PATH": os.environ["PATH"], "CRYOEM_STORE": lab.url}
        env |= lab.credentials
        joined(lab, home / ".config" / "cryoem-cloud")
        words = ("run", "--on", "aws", "--machine", "m5.large", "--out", "made", "--no-wait")
        began_s = time.monotonic()
        typed(project, env, *words, "--", "true")
        returned_s = time.monotonic()
        until_s = began_s + PATIENCE_S
        while not any(each.method == "PUT" and "/turns/" in each.path for each in list(heard)):
            if time.monotonic() > until_s:
                raise RuntimeError("no machine has claimed the job")
            time.sleep(0.01)
        found = phases(list(heard), began_s, returned_s)
        typed(project, env, "wait", "1")
    return found


def joined(lab: Lab, config: Path) -> None:
    """As `cryoem aws join` would have it."""
    ec2 = lab.ask("ec2")
    gate = ec2.create_security_group(GroupName="machines", Description="nobody in")["GroupId"]
    Account(
        stack="cryoem",
        region="us-east-1",
        store=lab.url,
        subnets=tuple(each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]),
        security_group=gate,
        machine_policy=lab.machine_policy(),
        agents={"x86_64": lab.agent},
    ).write_to(config)


def typed(folder: Path, env: Mapping[str, str], *words: str) -> None:
    """Run a command, quietly."""
    subprocess.run([CRYOEM, *words], cwd=folder, env=dict(env), check=True, capture_output=True)


def timed(rounds: int) -> dict[str, float]:
    """The median of each phase, in seconds."""
    session = botocore.session.get_session()
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "secret")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        top = Path(folder)
        archive = top / "agent.tar.gz"
        wheels = wheels_of((*PACKAGES, "typing_extensions"), top / "wheels")
        digest = build(python_folder(), wheels, archive)
        found = []
        for number in range(rounds):
            place = top / str(number)
            place.mkdir()
            found.append(one_round(place, session, archive, digest))
    return {phase: round(statistics.median(each[phase] for each in found), 2) for phase in found[0]}


def grows(counted: Mapping[int, Counted]) -> list[str]:
    """Calls that are made more often for more machines."""
    few, many = counted[min(counted)], counted[max(counted)]
    return [
        f"{done}: {call}"
        for done, calls in many.items()
        for call, times in calls.items()
        if times > few[done].get(call, 0)
    ]


def main() -> int:
    """Measure, and print JSON; 1 if a call is made for each machine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls-only", action="store_true")
    given = parser.parse_args()
    counted = {machines: counted_calls(machines) for machines in FLEETS}
    for machines, done in counted.items():
        total = {what: sum(calls.values()) for what, calls in done.items()}
        print(json.dumps({"machines": machines, "calls": total, "by_name": done}))
    if not given.calls_only:
        if why := reason_not_to_boot():
            print(f"no times: {why}", file=sys.stderr)
        else:
            print(json.dumps({"rounds": given.rounds, "median_s": timed(given.rounds)}))
    for each in grows(counted):
        print(f"for each machine: {each}", file=sys.stderr)
    return 1 if grows(counted) else 0


if __name__ == "__main__":
    sys.exit(main())
