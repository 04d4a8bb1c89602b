"""From an empty stack to an empty stack, by the installed commands, with one small machine."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.names import STACK
from cryoem_cloud.providers.aws.stack.leftovers import find
from tests.live_aws.asking import dry_runs_of_machine
from tests.live_aws.budget import MAX_HOURS, Budget
from tests.live_aws.report import FailedError, Report

__all__ = ["Shell", "nothing_left", "run_job", "stack_for_a_while"]

_CRYOEM = Path(sys.prefix) / "bin" / "cryoem"
_PATIENCE_S = 900.0
_LOOK_S = 1.0
_JOB = "echo hello from $(uname -m); cat x > made/y; sleep 15"


@dataclass(frozen=True)
class Shell:
    """Somebody's: a home and a project of their own, and credentials as variables."""

    home: Path
    folder: Path
    env: Mapping[str, str]

    @classmethod
    def of(cls, top: Path, name: str, env: Mapping[str, str]) -> Self:
        """In a folder below `top`."""
        home, folder = top / name / "home", top / name / "project"
        home.mkdir(parents=True)
        folder.mkdir()
        return cls(home, folder, {**env, "HOME": str(home)})

    def type(self, *words: str) -> str:
        """What a `cryoem` command prints.

        Raises:
            FailedError: It ends with another code than 0.
        """
        done = subprocess.run(
            [_CRYOEM, *words],
            cwd=self.folder,
            env=dict(self.env),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise FailedError(f"cryoem {' '.join(words)}: {said[-600:]}")
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command, and go on."""
        return subprocess.Popen(
            [_CRYOEM, *words],
            cwd=self.folder,
            env=dict(self.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def machines(self, *words: str) -> list[dict[str, Any]]:
        """Those at AWS."""
        found: list[dict[str, Any]] = json.loads(self.type("machines", "ls", "--json", *words))[
            "machines"
        ]
        return [each for each in found if each["where"] == "aws"]

    def works(self) -> bool:
        """Whether a courier of theirs runs."""
        return bool(json.loads(self.type("courier", "status", "--json"))["running"])


@contextmanager
def stack_for_a_while(report: Report, admin: Shell, stack: str) -> Iterator[Mapping[str, Any]]:
    """What setup says of the stack that it makes; the stack is gone afterwards, in any case."""
    named = ("--stack", stack, "--region", report.region)
    try:
        done = json.loads(admin.type("aws", "setup", "--json", *named))
        report.passed("setup", "CloudFormation makes the stack")
        yield done
    finally:
        with report.step("teardown", "everything of the stack is removed, its bucket too"):
            buckets = json.loads(admin.type("aws", "teardown", "--yes", "--json", *named))
            for bucket in buckets["buckets"]:
                admin.type("aws", "teardown", "--yes", *named, "--delete-data", bucket)


def run_job(report: Report, user: Shell, calls: Calls, *, kind: str, budget: Budget) -> None:
    """One job on one machine, followed until the machine has ended and its price is known."""
    (user.folder / "x").write_text("sent\n")
    words = ("--machine", kind, "--spot", "--max-hours", str(MAX_HOURS), "--home", "all")
    began_s = time.monotonic()
    job = user.start(
        *("run", "--on", "aws", *words, "--in", "x", "--out", "made", "--"),
        *("bash", "-c", _JOB),
    )
    with report.step("cryoem run --on aws", "the job runs, and its results are at home"):
        machine = _first_machine(user, job)
        dry_runs_of_machine(report, calls, machine)
        said = _ended(job)
        if job.returncode or (user.folder / "made" / "y").read_text() != "sent\n":
            raise FailedError(f"exit code {job.returncode}: {said[-600:]}")
    with report.step("the machine leaves", "it ends by itself after the job"):
        _until(lambda: not user.machines(), "the machine has not ended")
        _until(lambda: not user.works(), "the courier has not ended")
    hours = Decimal(time.monotonic() - began_s) / 3600
    report.say(f"      it cost at most {budget.cents(hours)} cents, {hours * 60:.1f} minutes long")


def nothing_left(report: Report, calls: Calls, stack: str) -> None:
    """See by our own listing and by AWS's of all tags that nothing is left."""
    with report.step("after teardown, our listing", "nothing with the stack's tag or path"):
        left = find(calls, stack)
        if left.counted() or left.buckets:
            raise FailedError(f"{left.counted()}, buckets {left.buckets}")
    with report.step("after teardown, GetResources", "nothing with the stack's tag but what ended"):
        found = calls.pages(
            "resourcegroupstaggingapi",
            "get_resources",
            "ResourceTagMappingList",
            TagFilters=[{"Key": STACK, "Values": [stack]}],
        )
        living = _living(calls, [str(each["ResourceARN"]) for each in found])
        if living:
            raise FailedError(", ".join(living))


def _living(calls: Calls, arns: Sequence[str]) -> Sequence[str]:
    """Without machines that have ended, which AWS lists for an hour, and their interfaces."""
    machines = [arn.rpartition("/")[2] for arn in arns if ":instance/" in arn]
    ended: set[str] = set()
    if machines:
        shown = calls.ask("ec2", "describe_instances", InstanceIds=machines)["Reservations"]
        every: Iterable[dict[str, Any]] = (each for one in shown for each in one["Instances"])
        ended = {each["InstanceId"] for each in every if each["State"]["Name"] == "terminated"}
    return [arn for arn in arns if arn.rpartition("/")[2] not in ended]


def _first_machine(user: Shell, job: subprocess.Popen[str]) -> str:
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s and job.poll() is None:
        if up := [each for each in user.machines() if each["state"] == "up"]:
            return str(up[0]["name"])
        time.sleep(_LOOK_S)
    said = job.stdout.read() if job.poll() is not None and job.stdout else ""
    raise FailedError(f"there is no machine: {said[-600:]}")


def _ended(job: subprocess.Popen[str]) -> str:
    try:
        said, _ = job.communicate(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        job.terminate()
        raise FailedError("the job does not end") from error
    return said


def _until(true: Callable[[], bool], otherwise: str) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while not true():
        if time.monotonic() >= until_s:
            raise FailedError(otherwise)
        time.sleep(_LOOK_S)
