"""Follows a job from this terminal: its lines, its progress, its end."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

import click

from cryoem_cloud.cli.afar import card_from_store
from cryoem_cloud.cli.finding import places
from cryoem_cloud.cli.showing import state_of
from cryoem_cloud.courier.cards import Card, Cards
from cryoem_cloud.courier.start import wake
from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import human_size

__all__ = ["Tail", "follow", "now"]

_LOOK_S = 0.2
_WAKE_S = 5.0
"""Between looks whether a courier runs."""


class _Status(Protocol):
    def say(self, card: Card) -> None: ...


class Tail:
    """Prints what is new in a log at home, from where it stood when the job was submitted."""

    def __init__(self, path: Path, start: int, stream: TextIO) -> None:
        self._path = path
        self._at = start
        self._stream = stream

    def more(self) -> None:
        """Print what has come since."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                self._at = min(self._at, size)  # a new turn writes the log anew
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return
        if data:
            self._at += len(data)
            self._stream.buffer.write(data)
            self._stream.flush()


def now(card: Card) -> Card:
    """The card as it is now; the store's word where this computer has no card."""
    for found in Cards(places().state / "jobs").of_number(card.number):
        if found.project == card.project:
            return found
    project = Project(name=card.project, store=card.store, folder=card.folder)
    try:
        return card_from_store(project, card.number) or card
    except StoreError:
        return card


def follow(card: Card, *, lines: bool, limit_s: float | None = None) -> int:
    """Wait until the job is home, and give its exit code; 124 if that takes too long.

    With `lines` what it prints is printed. Interrupting ends the following, not the job.
    """
    tails = [
        Tail(card.folder / path, start, stream)
        for path, start, stream in zip(
            card.logs, card.log_starts, (sys.stdout, sys.stderr), strict=True
        )
        if lines
    ]
    started_s = woken_s = time.monotonic()
    try:
        with _status() as status:
            while (card := now(card)).open:
                for tail in tails:
                    tail.more()
                status.say(card)
                if limit_s is not None and time.monotonic() - started_s > limit_s:
                    return 124
                if time.monotonic() - woken_s > _WAKE_S:
                    woken_s = time.monotonic()
                    wake(places())
                time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        click.echo(
            f"\ncryoem: job {card.number} goes on; cryoem logs -f {card.number} follows it again, "
            f"cryoem stop {card.number} stops it",
            err=True,
        )
        return 130
    for tail in tails:
        tail.more()
    click.echo(f"cryoem: job {card.number}: {state_of(card)} {card.reason}".rstrip(), err=True)
    if card.outcome is Outcome.SUCCESS:
        return 0
    return card.code if 0 < card.code < 256 else 1  # noqa: PLR2004  (what exit codes can be)


@contextmanager
def _status() -> Iterator[_Status]:
    """Something that shows where the job is: in place on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console  # noqa: PLC0415  (heavy; wanted on terminals only)

    with Console(stderr=True).status("") as spinner:
        yield _Spinner(spinner)


def _line(card: Card) -> str:
    sent = f"{human_size(card.bytes_up)} sent" if card.bytes_up else ""
    home = f"{human_size(card.bytes_down)} home" if card.bytes_down else ""
    return ", ".join(word for word in (card.phase.value, card.note, sent, home) if word)


class _Lines:
    """A line on stderr whenever the phase or the note changes."""

    def __init__(self) -> None:
        self._last = ("", "")

    def say(self, card: Card) -> None:
        """Show it."""
        if (card.phase.value, card.note) != self._last:
            self._last = (card.phase.value, card.note)
            click.echo(f"cryoem: job {card.number}: {_line(card)}", err=True)


class _Updating(Protocol):
    def update(self, status: str) -> None: ...


class _Spinner:
    """A line in place, with what has been moved and how fast."""

    def __init__(self, spinner: _Updating) -> None:
        self._spinner = spinner
        self._seen = (time.monotonic(), 0)
        self._rate = 0.0

    def say(self, card: Card) -> None:
        """Show it."""
        moved, now_s = card.bytes_up + card.bytes_down, time.monotonic()
        before_s, before = self._seen
        if now_s - before_s >= 1.0:
            self._rate = (moved - before) / (now_s - before_s)
            self._seen = (now_s, moved)
        rate = f", {human_size(int(self._rate))}/s" if self._rate > 0 else ""
        self._spinner.update(f"job {card.number}: {_line(card)}{rate}")
