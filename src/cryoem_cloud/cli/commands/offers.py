"""cryoem offers."""

from pathlib import Path

import click

from cryoem_cloud.cli.money.offering import offers_as_json, offers_table
from cryoem_cloud.cli.standing import places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.courier.known import projects
from cryoem_cloud.model.units import counted
from cryoem_cloud.planner.catalog.views import Unit
from cryoem_cloud.wiring.catalogue import catalogue, region_here
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["command"]

_ALL = "any"


@click.group(invoke_without_command=True)
@click.option("--gpu", "model", default="", metavar="MODEL", help="Those with such GPUs alone.")
@click.option("--region", default="", help="Which region, or any; default: your account's.")
@click.option(
    "--per",
    "unit",
    default=Unit.MACHINE.value,
    type=click.Choice([each.value for each in Unit]),
    help="Whose hour prices are of.  [default: machine]",
)
@click.option("--json", "json_", is_flag=True, help="For programs.")
@click.pass_context
def command(context: click.Context, *, model: str, region: str, unit: str, json_: bool) -> None:
    """Machine types that jobs may run on, and what an hour of them costs, by way of paying.

    Needs no account and no network: prices are those of the catalogue in this program, with its
    day, or what `cryoem offers refresh` has asked AWS for of late. Spot is the mean over zones;
    what is reserved for 1 or 3 years is paid at once.
    """
    if context.invoked_subcommand is not None:
        return
    here = places()
    regions = () if region == _ALL else (region or region_here(here),)
    found = catalogue(
        here, SystemClock().now(), regions=regions, project=projects.find_folder(Path.cwd())
    )
    found = found.with_gpu(model) if model else found
    if json_:
        click.echo(as_json(offers_as_json(found, Unit(unit))))
    else:
        click.echo(offers_table(found, Unit(unit)))


@command.command("refresh")
@click.option("--region", "regions", multiple=True, help="Which; default: your account's.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def refresh(*, regions: tuple[str, ...], json_: bool) -> None:
    """Ask AWS for its machine types and prices; its answers go before the catalogue's.

    Machine types are asked for again after 7 days, prices on demand after 24 hours, Spot's after
    10 minutes; older answers count for nothing. Needs AWS credentials.
    """
    from cryoem_cloud.wiring.market import refreshed  # noqa: PLC0415  (the SDK)

    here, now = places(), SystemClock().now()
    asked = []
    for region in regions or (region_here(here),):
        for part, number in refreshed(here, region, now):
            click.echo(f"{region}: {part.value} of {counted(number, 'machine type')}", err=True)
            asked.append({"region": region, "part": part.value, "machine_types": number})
        if not any(each["region"] == region for each in asked):
            click.echo(f"{region}: all answers are fresh", err=True)
    if json_:
        click.echo(as_json({"asked": asked}))
