"""Try at Amazon what was proven with a simulated AWS: opt-in, never in CI.

    CRYOEM_LIVE_ACCOUNT=123456789012 make live-aws

Needs an administrator's credentials of that account, as variables or a profile. CRYOEM_LIVE_CENTS
is the most that it may cost (50), CRYOEM_LIVE_MACHINE the machine (t3.small), AWS_REGION where. It
says what it is going to do and what that costs at most, asks, does it in a stack of its own, and
removes that. Exit code 0: all passed; 1: something failed; 2: nothing was done.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from botocore.session import Session

from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.stack.choices import Choices
from cryoem_cloud.providers.aws.stack.region import region_for
from cryoem_cloud.providers.aws.stack.setup import completed
from tests.live_aws.asking import dry_runs, look_at_changes
from tests.live_aws.budget import Budget, budget_for
from tests.live_aws.report import FailedError, Report
from tests.live_aws.rights import judge_rights
from tests.live_aws.somebody import Somebody, somebody
from tests.live_aws.whole import Shell, nothing_left, run_job, stack_for_a_while

_CENTS, _MACHINE = 50, "t3.small"
_PAUSE_S, _MOST_TRIES = 3.0, 20
_LASTS_HOURS = Decimal("0.25")
_PRICES = "us-east-1"
_KEPT = ("PATH", "LANG", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class _Live:
    """Who runs it, where, with what."""

    number: str
    region: str
    kind: str
    stack: str
    budget: Budget
    env: Mapping[str, str]

    def calls(self, env: Mapping[str, str]) -> Calls:
        return Calls({**self.env, **env}, self.region)


def main() -> int:
    """All of it; an exit code."""
    try:
        live = _told(os.environ)
    except (FailedError, CryoemError) as error:
        print(f"live-aws: {error}", file=sys.stderr)
        return 2
    print(
        f"A stack {live.stack} in {live.region} of the account {live.number}, one machine "
        f"{live.kind} for some minutes, and all of it removed again.\nAt most "
        f"{live.budget.worst_cents} cents, should AWS have to end the machine by itself; else "
        f"about {live.budget.cents(_LASTS_HOURS)}.\n"
        f"Should this program be killed: cryoem aws teardown --stack {live.stack} --region "
        f"{live.region}, which says how to delete the bucket."
    )
    if input("Do it? [yes/no] ").strip() != "yes":
        print("live-aws: nothing was done", file=sys.stderr)
        return 2
    report = Report(live.region, simulated="AWS_ENDPOINT_URL" in live.env)
    with tempfile.TemporaryDirectory(prefix="cryoem-live-", ignore_cleanup_errors=True) as top:
        _all(report, live, Path(top))
    report.evidence()
    print(f"\n{len(report.rows)} passed, {len(report.failed)} failed")
    return 1 if report.failed else 0


def _told(env: Mapping[str, str]) -> _Live:
    wanted = env.get("CRYOEM_LIVE_ACCOUNT", "")
    if not wanted:
        raise FailedError("which account may it use? CRYOEM_LIVE_ACCOUNT=123456789012")
    region = region_for(env)
    kept = {name: env[name] for name in _KEPT if name in env} | {"AWS_REGION": region}
    found = Session(profile=env.get("AWS_PROFILE")).get_credentials()
    if found is None:
        raise FailedError("there are no AWS credentials: export AWS_PROFILE=NAME")
    keys = found.get_frozen_credentials()
    kept |= {"AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key}
    kept |= {"AWS_SESSION_TOKEN": keys.token} if keys.token else {}
    number = str(Calls(kept, region).ask("sts", "get_caller_identity")["Account"])
    if number != wanted:
        raise FailedError(f"these are credentials of {number}, not of {wanted}")
    kind, most = env.get("CRYOEM_LIVE_MACHINE", _MACHINE), int(env.get("CRYOEM_LIVE_CENTS", _CENTS))
    budget = budget_for(Calls(kept, _PRICES), kind, region)
    if budget.worst_cents > most:
        raise FailedError(
            f"{kind} may cost {budget.worst_cents} cents, and {most} are allowed: CRYOEM_LIVE_CENTS"
        )
    stack = f"live-{datetime.now(UTC):%y%m%d%H%M%S}"
    return _Live(number, region, kind, stack, budget, kept)


def _all(report: Report, live: _Live, top: Path) -> None:
    admin = live.calls({})
    choices = completed(admin, Choices(stack=live.stack, region=live.region))
    look_at_changes(report, admin, choices)
    shell = Shell.of(top, "admin", live.env)
    with (
        report.step("from setup to teardown", "nothing broke off"),
        stack_for_a_while(report, shell, live.stack) as done,
        somebody(admin, live.number, live.stack, done["policies"]) as user,
    ):
        _as_user(report, live, user, Shell.of(top, "user", {**live.env, **user[1]}))
    nothing_left(report, admin, live.stack)


def _as_user(report: Report, live: _Live, user: Somebody, shell: Shell) -> None:
    arn, keys = user
    calls = live.calls(keys)
    named = ("--stack", live.stack, "--region", live.region)
    with report.step("join", "a user without rights in IAM learns of the stack"):
        _join(shell, named)
    account = Account.read(shell.home / ".config" / "cryoem-cloud")
    with report.step("doctor", "all that a job needs is there"):
        shell.type("aws", "doctor", "--machine", live.kind)
    project = "live-00000000"
    machine = dry_runs(report, calls, account, project=project, kind=live.kind)
    judge_rights(report, live.calls({}), account, user=arn, machine=machine, project=project)
    there = replace(shell, env={**shell.env, "CRYOEM_STORE": account.store})
    run_job(report, there, calls, kind=live.kind, budget=live.budget)


def _join(shell: Shell, named: tuple[str, ...]) -> None:
    """New rights are not known everywhere at once."""
    for pause_s in (*([_PAUSE_S] * _MOST_TRIES), 0):
        try:
            shell.type("aws", "join", *named)
        except FailedError:
            if not pause_s:
                raise
            time.sleep(pause_s)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
