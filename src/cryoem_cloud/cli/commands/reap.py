"""cryoem reap."""

import click

from cryoem_cloud.cli.jobs.fleets import fleets_left
from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.standing import places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.units import counted

__all__ = ["command"]


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be ended.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def command(*, dry_run: bool, json_: bool) -> None:
    """End machines whose jobs have ended, whoever started them, and remove what is left of them.

    Machines of jobs that are open are never touched.
    """
    from cryoem_cloud.cli.money.paying import settle_cost  # noqa: PLC0415  (heavy)
    from cryoem_cloud.wiring.background import providers_of  # noqa: PLC0415  (heavy)
    from cryoem_cloud.wiring.stores import store_at  # noqa: PLC0415  (heavy)

    found = tuple(fleets_left(providers_of(places()), places(), store_at))
    for fleet in found:
        if not dry_run:
            fleet.reap(settle_cost)
    if json_:
        click.echo(as_json({"fleets": [fleet.to_json() for fleet in found]}))
    elif found:
        rows = [
            [fleet.token, fleet.where, str(len(fleet.machines)), fleet.verdict.value]
            for fleet in found
        ]
        click.echo(table(["FLEET", "WHERE", "MACHINES", "VERDICT"], rows))
    ended = sum(fleet.needless for fleet in found)
    what = "would be removed" if dry_run else "removed"
    click.echo(f"cryoem: {counted(ended, 'fleet')} {what}", err=True)
