"""cryoem costs."""

import csv
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import click

from cryoem_cloud.cli.money.parquet import write_parquet
from cryoem_cloud.cli.money.paying import (
    Running,
    charges_of,
    look_at_store,
    running,
    stored_usd,
    with_groups,
)
from cryoem_cloud.cli.money.reconciling import check
from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.courier.money.costs import COSTS, write_costs
from cryoem_cloud.model.bill import BY, Sum, shown, summed
from cryoem_cloud.model.charge import Charge
from cryoem_cloud.model.life import MONTH_H
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.units import counted, human_usd
from cryoem_cloud.model.usd import ZERO, about, dollars

__all__ = ["command"]

_FORMULAS = ("=", "+", "-", "@")
_NOT_COUNTED = "not counted: taxes, traffic between zones, images"


@click.group(invoke_without_command=True)
@click.option("--by", type=click.Choice(tuple(BY)), default="job", help="Sum up by this.")
@click.option("--since", metavar="YYYY-MM", default="", help="Only from that month on.")
@click.option("--csv", "csv_", is_flag=True, help="Every charge, as comma-separated values.")
@click.option(
    "--parquet",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Every charge, as a Parquet table in FILE.",
)
@click.option("--check", "check_", is_flag=True, help="Compare with AWS's bill; costs $0.01.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    by: str,
    since: str,
    csv_: bool,
    parquet: Path | None,
    check_: bool,
    json_: bool,
) -> None:
    """Say what the project has cost, in US dollars.

    Machines count by the second, with their disks and addresses, from launch to end as the provider
    tells them; where it has not told, as far as couriers and the machines themselves have seen.
    Files in the store count by the day, requests and what came home as those have counted who
    asked. Machines of this computer cost nothing, unless the setting local_price says so.

    With --check, the sums of this month, or since --since, beside those of AWS's bill, as Cost
    Explorer tells it, about a day late.
    """
    if ctx.invoked_subcommand:
        return
    first, project = _month(since), the_project()
    look_at_store(project)
    everything = charges_of(project)
    write_costs(project.folder, project.name, everything)
    found = [charge for charge in everything if charge.month >= first]
    if by == "group" or csv_ or json_ or parquet:
        found = with_groups(project, found)
    if check_:
        check(project, found, first, json_=json_)
    elif parquet:
        write_parquet(parquet, found)
        click.echo(f"{counted(len(found), 'charge')} written to {parquet}", err=True)
    elif csv_:
        _print_csv(found)
    elif json_:
        rows = [each.to_json() for each in summed(found, by)]
        charges = [charge.to_json() for charge in found]
        click.echo(as_json({"by": by, "sums": rows, "charges": charges}))
    elif found:
        click.echo(_table(by, summed(found, by), summed(found)))
        click.echo(f"{_NOT_COUNTED}; the same is in {COSTS}", err=True)
    else:
        click.echo("nothing was paid for, as far as is known here", err=True)


@command.command("now")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def now(*, json_: bool) -> None:
    """Say what all that exists now costs by the hour, and by the month if it stayed.

    These are the machines of this computer and of the account that you joined, whoever's they are,
    and the project's files in its store.
    """
    machines = running(places())
    stored, monthly = stored_usd(the_project())
    an_hour = sum((each.usd_per_hour or ZERO for each in machines), ZERO)
    if json_:
        fields = {
            "machines": [each.to_json() for each in machines],
            "machines_usd_an_hour": f"{an_hour:f}",
            "machines_usd_a_month": f"{an_hour * MONTH_H:f}",
            "store_bytes": stored,
            "store_usd_a_month": f"{monthly:f}",
        }
        click.echo(as_json(fields))
        return
    head = ("WHAT", "$ AN HOUR", "$ A MONTH")
    rows = [_row(each) for each in machines]
    rows.append(("files in the store", _small(monthly / MONTH_H), human_usd(monthly)))
    whole = an_hour + monthly / MONTH_H
    rows.append(("in all", _small(whole), human_usd(whole * MONTH_H)))
    click.echo(table(head, rows))
    if unknown := [
        each for each in machines if each.usd_per_hour is None and each.where != "local"
    ]:
        click.echo(f"cryoem: of {len(unknown)} of the machines no price is known", err=True)


def _month(since: str) -> str:
    if not since:
        return ""
    try:
        return f"{date.fromisoformat(since if since.count('-') > 1 else f'{since}-01'):%Y-%m}"
    except ValueError:
        raise click.BadParameter(
            f"{since} is no month like 2026-11", param_hint="--since"
        ) from None


def _row(each: Running) -> tuple[str, str, str]:
    words = " ".join(filter(None, (each.name, each.kind, each.market)))
    if each.usd_per_hour is None:
        cost = "free" if each.where == "local" else "unknown"
        return (words, cost, cost)
    return (words, _small(each.usd_per_hour), dollars(each.usd_per_hour * MONTH_H))


def _small(amount: Decimal) -> str:
    return f"${amount:.4f}"


def _table(by: str, rows: Sequence[Sum], whole: Sequence[Sum]) -> str:
    words = shown(whole)
    head = (by.upper(), "MACHINE-H", *(word.upper() for word in words), "IN ALL")
    return table(head, [_cells(each, words) for each in (*rows, *whole)])


def _cells(each: Sum, words: Sequence[str]) -> tuple[str, ...]:
    hours = Decimal(each.seconds) / 3600
    amounts = (*(each.parts[word] for word in words), each.usd)
    unknown = f" ({Decimal(each.unpriced_s) / 3600:.2f} unpriced)" if each.unpriced_s else ""
    return (each.name, f"{hours:.2f}{unknown}", *(about(amount) for amount in amounts))


def _print_csv(found: Sequence[Charge]) -> None:
    rows = [{k: _cell(v) for k, v in charge.to_json().items()} for charge in found]
    names = list(Charge.NAMES)
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _cell(value: JSON) -> JSON:
    """As a spreadsheet takes it for what it is: a name that others gave is no formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
