"""cryoem approve."""

import click

from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import spool_of, wake
from cryoem_cloud.stores.budget import approve
from cryoem_cloud.wiring.front import submitter

__all__ = ["command"]


@click.command()
@click.argument(
    "numbers", metavar="ID…", type=int, nargs=-1, required=True, shell_complete=job_numbers
)
def command(*, numbers: tuple[int, ...]) -> None:
    """Let jobs go on that wait because of what they may cost, from any computer."""
    for number in numbers:
        click.echo(_approve(find(number)), err=True)


def _approve(card: Card) -> str:
    """Record it here, where that computer's courier has the job, or else in the store."""
    if not card.open:
        return f"cryoem: job {card.number} has ended already"
    spool = spool_of(places())
    if spool.holds(card.slip_name):
        spool.approve(card.slip_name)
        wake(places())
    else:
        approve(records_of(card).store, card.project, card.number, by=submitter())
    return f"cryoem: job {card.number} is approved"
