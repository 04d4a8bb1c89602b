"""cryoem costs --check: the ledger beside the provider's bill."""

from collections.abc import Sequence
from datetime import date, timedelta

import click

from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.standing import places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.billed import Line, reconciled
from cryoem_cloud.model.charge import Charge
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.usd import ZERO, about, dollars
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["check"]

_NOTHING = (
    "AWS bills nothing for this project then. Cost Explorer knows things by tags that the account "
    "that pays has to activate once: aws ce update-cost-allocation-tags-status "
    "--cost-allocation-tags-status TagKey=cryoem:stack,Status=Active "
    "TagKey=cryoem:project,Status=Active; a day later they count"
)


def check(project: Project, charges: Sequence[Charge], since: str, *, json_: bool) -> None:
    """Say how the ledger and AWS's bill differ, from a month on ("": this month)."""
    from cryoem_cloud.wiring.bill import REQUEST_USD, account_of, billed_at, tag_text  # noqa: PLC0415  (heavy)

    today = SystemClock().now().date()
    start = date.fromisoformat(f"{since or f'{today:%Y-%m}'}-01")
    end = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    if start >= end:
        raise click.BadParameter(f"{since} has not begun", param_hint="--since")
    account = account_of(places().config, project.store)
    click.echo(f"asking AWS Cost Explorer, which costs {dollars(REQUEST_USD)} a page …", err=True)
    billed = billed_at(account, start, end)
    wanted = [each for each in charges if each.month >= f"{start:%Y-%m}"]
    lines = reconciled(wanted, billed, project=tag_text(project.name), region=account.region)
    if json_:
        click.echo(
            as_json({"since": f"{start:%Y-%m}", "lines": [each.to_json() for each in lines]})
        )
        return
    if lines:
        click.echo(_table(lines))
    _say(lines)


def _table(lines: Sequence[Line]) -> str:
    head = ("MONTH", "WHAT", "LEDGER", "AWS", "REMAINDER")
    whole = ("in all", "", *_amounts(lines))
    return table(head, [*((e.month, _named(e), *_amounts([e])) for e in lines), whole])


def _named(line: Line) -> str:
    return line.item.value + (" *" if line.shared else "")


def _amounts(lines: Sequence[Line]) -> tuple[str, str, str]:
    ledger = sum((each.ledger for each in lines), ZERO)
    billed = sum((each.billed for each in lines), ZERO)
    return about(ledger), about(billed), dollars(billed - ledger)


def _say(lines: Sequence[Line]) -> None:
    if not any(each.billed for each in lines):
        click.echo(_NOTHING, err=True)
    if any(each.shared for each in lines):
        click.echo("* with what has no project's tag: the store, of all its projects", err=True)
    if any(each.estimated for each in lines):
        click.echo("AWS still estimates the month", err=True)
    click.echo("Cost Explorer is about a day late; taxes and credits have no tags", err=True)
