"""cryoem why."""

import click

from cryoem_cloud.cli.finding import find, places
from cryoem_cloud.courier.cards import Card
from cryoem_cloud.courier.start import log_file, running, spool_of, wake
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase

__all__ = ["command", "explained"]

_NEXT = {
    Phase.QUEUED: "the courier has not taken it up yet",
    Phase.LOOKING: "the courier is looking for the files that it reads",
    Phase.WAITING: "it waits for another job",
    Phase.SENDING: "its inputs are being sent",
    Phase.STARTING: "machines are starting",
    Phase.RUNNING: "it runs",
    Phase.HOMECOMING: "its results are coming home",
}


@click.command()
@click.argument("number", metavar="ID", type=int)
def command(*, number: int) -> None:
    """Say in a sentence why a job is not running, or failed, and what to do."""
    card = find(number)
    woken = wake(places())
    click.echo(explained(card, courier=woken or running(places()), here=_is_ours(card)))


def _is_ours(card: Card) -> bool:
    return spool_of(places()).holds(card.slip_name)


def explained(card: Card, *, courier: bool, here: bool) -> str:
    """The sentence; `here` says that this computer's courier brings it home."""
    name, reason = f"Job {card.number} ({card.name})", card.reason.rstrip(".\n ")
    if card.outcome is Outcome.SUCCESS:
        warning = f" RELION called it a success, but: {card.reason}" if card.reason else ""
        return f"{name} has succeeded and is home.{warning}"
    if card.outcome is Outcome.ABORTED:
        return f"{name} was stopped: {reason}. cryoem retry {card.number} submits it again."
    if card.outcome is Outcome.FAILURE:
        return (
            f"{name} failed: {reason}. Its log is {card.folder / card.logs[1]}; once the cause "
            f"is mended, cryoem retry {card.number} submits it again."
        )
    if here and not courier:
        return (
            f"{name} waits because no courier runs, and none could be started; "
            f"{log_file(places())} says why."
        )
    note = f": {card.note}" if card.note else ""
    return f"{name}: {_NEXT[card.phase]}{note}."
