"""Follows a job from this terminal: its lines, its progress, its end."""

import sys
import time

import click

from cryoem_cloud.cli.jobs.afar import card_from_store
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.jobs.tails import Tail, tail_of
from cryoem_cloud.cli.progress import Progress, progress
from cryoem_cloud.cli.saying import INTERRUPTED
from cryoem_cloud.cli.showing import state_of
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import spool_of, wake
from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.project import Project

__all__ = ["exit_code_of", "follow", "now", "write_piece"]

_LOOK_S = 0.2
_LOOK_AFAR_S = 2.0
"""Between looks at a job that only the store knows: each costs requests."""
_WAKE_S = 5.0
"""Between looks whether a courier runs."""
_TOO_LATE = 124
"""The exit code of who waited for too long, as of timeout(1)."""
_SIGNALLED = 128
"""What shells add to the number of the signal that ended a program."""


def now(card: Card) -> Card:
    """The card as it is now; the store's word where this computer has no card."""
    for found in cards().of_number(card.number):
        if found.project == card.project:
            return found
    project = Project(name=card.project, store=card.store, folder=card.folder)
    try:
        return card_from_store(project, card.number) or card
    except StoreError:
        return card


def exit_code_of(card: Card) -> int:
    """The exit code of a job that has ended, as a shell would give it."""
    if card.outcome is Outcome.SUCCESS:
        return 0
    code = _SIGNALLED - card.code if card.code < 0 else card.code
    return code if 0 < code < 256 else 1  # noqa: PLR2004  (what exit codes can be)


def follow(card: Card, *, lines: bool, until_s: float | None = None) -> int:
    """Wait until the job is home, and give its exit code; 124 if it is not by `until_s`.

    With `lines` what it prints is printed. `until_s` is of the monotonic clock. Interrupting ends
    the following, not the job.
    """
    tail = tail_of(card) if lines else None
    pause_s = _LOOK_S if spool_of(places()).holds(card.slip_name) else _LOOK_AFAR_S
    woken_s = time.monotonic()
    try:
        with progress() as shown:
            while (card := now(card)).open:
                _print_new(tail, shown)
                shown.say(card)
                now_s = time.monotonic()
                if until_s is not None and now_s > until_s:
                    return _TOO_LATE
                if now_s - woken_s > _WAKE_S:
                    woken_s = now_s
                    wake(places())
                time.sleep(pause_s)
            _print_new(tail, shown)
    except KeyboardInterrupt:
        _say_that_it_goes_on(card.number)
        return INTERRUPTED
    click.echo(f"cryoem: job {card.number}: {state_of(card)}", err=True)
    if card.reason and not lines:  # the job's error log ends with it
        click.echo(f"cryoem: {card.reason}", err=True)
    return exit_code_of(card)


def write_piece(log: str, data: bytes) -> None:
    """Print what a program printed, to the stream that it chose."""
    stream = sys.stdout if log == "out" else sys.stderr
    stream.buffer.write(data)
    stream.flush()


def _print_new(tail: Tail | None, shown: Progress) -> None:
    for log, data in tail.new() if tail else ():
        with shown.aside():
            write_piece(log, data)


def _say_that_it_goes_on(number: int) -> None:
    click.echo(
        f"\ncryoem: job {number} goes on; cryoem logs -f {number} follows it again, "
        f"cryoem stop {number} stops it",
        err=True,
    )
