"""cryoem why."""

import click

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.apps.verdict import without_last_words
from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.jobs.machines import last_boot_words
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import log_file, running, spool_of, wake
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase

__all__ = ["command", "explained"]

_DOES = {
    Phase.QUEUED: "the courier has not taken it up yet",
    Phase.LOOKING: "the courier is looking for the files that it reads",
    Phase.WAITING: "it has to wait",
    Phase.SENDING: "its inputs are being sent",
    Phase.STARTING: "machines are starting",
    Phase.RUNNING: "it runs",
    Phase.HOMECOMING: "its results are coming home",
}
"""What a job does that has not ended, by phase."""


@click.command()
@click.argument("number", metavar="ID", type=int, shell_complete=job_numbers)
def command(*, number: int) -> None:
    """Say in a sentence why a job is not running, or failed, and what to do."""
    card = find(number)
    spooled = spool_of(places()).holds(card.slip_name)
    courier = wake(places()) or running(places())
    boot = last_boot_words(places(), card) if card.phase is Phase.STARTING else ""
    at_home = (card.folder / card.outputs[0]).is_dir()
    click.echo(explained(card, courier=courier, here=spooled, boot=boot, at_home=at_home))


def explained(
    card: Card, *, courier: bool, here: bool, boot: str = "", at_home: bool = True
) -> str:
    """The sentence; `here` says that this computer's courier brings it home.

    `boot` is what a machine said that did not come up; `at_home` that the job's folder is on this
    computer.
    """
    name = f"Job {card.number} ({card.name})"
    if card.outcome is not None:
        return f"{name} {_ended(card, at_home=at_home)}"
    if here and not courier:
        return (
            f"{name} waits because no courier runs, and none could be started; "
            f"{log_file(places())} says why."
        )
    words = [_DOES[card.phase]]
    if card.note:
        words.append(card.note.rstrip("."))
    if boot:
        words.append(f"the last one did not come up, and said {boot!r}")
    return f"{name}: {', '.join(words)}."


def _ended(card: Card, *, at_home: bool) -> str:
    reason = without_last_words(card.reason).rstrip(".\n ")
    again = _again(card)
    if card.outcome is Outcome.SUCCESS:
        warning = f" Its program called it a success, but: {card.reason}" if card.reason else ""
        return f"has succeeded and {_where(card, at_home=at_home)}.{warning}"
    if card.outcome is Outcome.ABORTED:
        stopped = reason if reason.startswith("stopped ") else f"stopped: {reason}"
        return f"was {stopped}. {again}."
    log = card.folder / card.logs[1] if at_home else f"shown by cryoem logs --err {card.number}"
    return f"failed: {reason}. Its log is {log}; once the cause is mended, {again}."


def _again(card: Card) -> str:
    if card.application != Shell.name and card.run_s:
        return (
            f"cryoem resume {card.number} goes on from what it has made, if it has come so far, "
            f"cryoem retry {card.number} begins anew"
        )
    return f"cryoem retry {card.number} submits it again"


def _where(card: Card, *, at_home: bool) -> str:
    if not at_home:
        return f"is in the store; cryoem pull {card.outputs[0]} brings it here"
    if card.home == "essential":
        left = f"cryoem show {card.number} says what stayed in the store"
        return f"its essential results are home; {left}"
    return "is home"
