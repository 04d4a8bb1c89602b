"""cryoem compare."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import click

from cryoem_cloud.cli.money.comparing import Compared
from cryoem_cloud.cli.standing import places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.courier.known import projects
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.offer import MARKETS, Market
from cryoem_cloud.model.usd import dollars
from cryoem_cloud.planner.compare import (
    PUBLISHED_AWS,
    PUBLISHED_WORKSTATION,
    SALARY_USD,
    Comparison,
    Way,
    Workstation,
)
from cryoem_cloud.wiring.catalogue import catalogue, region_here
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["command"]

_NUMBER = re.compile(r"(\d{1,12}|\d{1,3}(,\d{3}){1,3})(\.\d{1,6})?|\.\d{1,6}")
_PUBLISHED = "54.49 h and $688.17 of EMPIAR-10061, published in 2018, prices of November 2017"


_Read = Callable[[click.Context, click.Parameter, str | None], Decimal | None]


def _read(example: str, *units: str, zero: bool = False, share: bool = False) -> _Read:
    """Reads a number that one of the units may stand beside; of a percentage, the share it is."""

    def read(_: click.Context, __: click.Parameter, value: str | None) -> Decimal | None:
        if value is None:
            return None
        bare = value.strip()
        for unit in units:
            bare = bare.removeprefix(unit).removesuffix(unit).strip()
        found = Decimal(bare.replace(",", "")) if _NUMBER.fullmatch(bare) else None
        if found is not None and value.strip().endswith("%"):
            found /= 100
        if found is None or (not found and not zero) or (share and found > 1):
            raise click.BadParameter(f"{value!r} should be like {example}")
        return found

    return read


_USD = _read("10000USD", "USD", "$", zero=True)
_HOURS = _read("114.7h", "h")
_DAYS = _read("10", "d", zero=True)
_YEARS = _read("3", "y")
_SHARE = _read("60% or 0.6, and at most 100%", "%", share=True)


@click.command()
@click.option("--aws", "aws", is_flag=True, help="With machines of AWS; nothing else is known.")
@click.option("--workstation", callback=_USD, required=True, metavar="USD", help="What it costs.")
@click.option("--years", callback=_YEARS, default="3", metavar="YEARS", help="It lasts.  [3]")
@click.option("--utilisation", callback=_SHARE, default="60%", metavar="%", help="Of these.  [60%]")
@click.option(
    "--hours",
    callback=_HOURS,
    default=str(PUBLISHED_WORKSTATION.hours),
    metavar="HOURS",
    help="That it takes.  [114.7]",
)
@click.option(
    "--days",
    callback=_DAYS,
    default=str(PUBLISHED_WORKSTATION.days),
    metavar="DAYS",
    help="Of a person, with it.  [10]",
)
@click.option("--machine", default="", metavar="TYPE", help="AWS's machine type, at its price.")
@click.option("--market", type=click.Choice(MARKETS), default=Market.SPOT.value, help="[spot]")
@click.option("--region", default="", help="Which region; default: your account's.")
@click.option("--aws-hours", callback=_HOURS, metavar="HOURS", help="That this machine takes.")
@click.option(
    "--aws-days",
    callback=_DAYS,
    default=str(PUBLISHED_AWS.days),
    metavar="DAYS",
    help="Of a person, with AWS.  [5]",
)
@click.option(
    "--storage",
    callback=_USD,
    default=str(PUBLISHED_AWS.storage_usd),
    metavar="USD",
    help="At AWS, for all that time.  [690]",
)
@click.option(
    "--salary",
    callback=_USD,
    default=str(SALARY_USD),
    metavar="USD",
    help="Of a person for a year.  [50000]",
)
@click.option("--structures", type=click.IntRange(1, 1000), default=1, help="How many.  [1]")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def command(  # noqa: PLR0913  (one for each option)
    *,
    aws: bool,
    workstation: Decimal,
    years: Decimal,
    utilisation: Decimal,
    salary: Decimal,
    hours: Decimal,
    days: Decimal,
    machine: str,
    market: str,
    region: str,
    aws_hours: Decimal | None,
    aws_days: Decimal,
    storage: Decimal,
    structures: int,
    json_: bool,
) -> None:
    """Rent machines or buy a workstation: what a structure costs either way.

    Hours, days and storage are those of the published comparison (EMPIAR-10061) unless you say
    yours; with --machine and --aws-hours AWS's part is that many hours at today's price. All
    assumptions are printed.
    """
    if not aws:
        raise UsageError("compare the workstation with what?", hint="--aws")
    bought = Workstation(usd=workstation, years=years, utilisation=utilisation)
    rented, source = _rented(machine, region, Market(market)) if machine else (None, _PUBLISHED)
    if bool(machine) != (aws_hours is not None):
        raise UsageError(
            "a machine type and its hours go together", hint="--machine g6e.12xlarge --aws-hours 12"
        )
    spent = PUBLISHED_AWS.usd if rented is None or aws_hours is None else rented * aws_hours
    comparison = Comparison(
        aws=Way(
            hours=aws_hours or PUBLISHED_AWS.hours, usd=spent, days=aws_days, storage_usd=storage
        ),
        workstation=Way(hours=hours, usd=hours * bought.usd_per_hour, days=days),
        salary_usd=salary,
        structures=structures,
    )
    found = Compared(comparison=comparison, workstation=bought, source=source, rented=rented)
    click.echo(as_json(found.to_json()) if json_ else found.to_text())


def _rented(machine: str, region: str, market: Market) -> tuple[Decimal, str]:
    """What an hour of it costs there, and where that is known from.

    Raises:
        UsageError: There is no such machine type, or no price of that kind.
    """
    here = places()
    where = region or region_here(here)
    folder = projects.find_folder(Path.cwd())
    known = catalogue(here, SystemClock().now(), regions=(where,), project=folder)
    listing = known.named(machine, where)
    usd = listing.price.of(market) if listing else None
    if usd is None:
        raise UsageError(
            f"no price is known of {machine} in {where}, {market.value}",
            hint="cryoem offers lists machine types and prices",
        )
    each = f"{machine} in {where} at {dollars(usd)} an hour ({market.value})"
    return usd, f"{each}, prices {known.stamp}"
