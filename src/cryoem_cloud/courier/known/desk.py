"""Keeps a job's card up to date while its errand goes on."""

import logging
import os
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.model.forecast import Forecast
from cryoem_cloud.model.job import Exit
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.ports.clock import Clock

__all__ = ["CardDesk"]

_LOG = logging.getLogger(__name__)

_EVERY_S = 1.0
"""Between writes of a card that only counts bytes."""


class CardDesk:
    """One job's card. Safe for threads.

    A card that cannot be written is left as it was, and nobody is kept from going on; `end` alone
    raises OSError then.
    """

    def __init__(self, card: Card, cards: Cards, clock: Clock) -> None:
        self._card = card
        self._cards = cards
        self._clock = clock
        self._lock = threading.Lock()
        self._written_s = clock.monotonic()
        self._started_s: float | None = None

    @property
    def card(self) -> Card:
        """As it is now."""
        return self._card

    def phase(self, phase: Phase, note: str = "") -> None:
        """Say where the job is."""
        with self._lock:
            if (self._card.phase, self._card.note) != (phase, note):
                started_at = self._card.started_at
                if phase is Phase.RUNNING and not started_at:
                    self._started_s, started_at = self._clock.monotonic(), self._now()
                card = replace(self._card, phase=phase, note=note, started_at=started_at)
                self._try_write(card)

    def note(self, note: str) -> None:
        """Say what it waits for or does."""
        self.phase(self._card.phase, note)

    def foreseen(self, forecast: Forecast) -> None:
        """Say how long it takes yet."""
        with self._lock:
            self._try_write(replace(self._card, forecast=forecast))

    def brought_by(self, courier: str, *, ours: bool) -> None:
        """Say which courier brings the job home.

        Of another one a note is made, unless it has this very card, or had it: then there is a
        second one on this computer, or a courier that was thrown away with the caches.
        """
        with self._lock:
            if ours and self._card.courier != courier:
                self._try_write(replace(self._card, courier=courier))
        kept = self._cards.of_number(self._card.number)
        if not ours and (self._card.slip_name, courier) not in {
            (card.slip_name, card.courier) for card in kept
        }:
            self.note("another courier brings this job home")

    def trouble(self, error: Exception) -> None:
        """Say what trouble it waits for."""
        words = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            file = os.fsdecode(error.filename)
            words = f"{file}: {error.strerror}; the job goes on when that is over"
        self.note(words)

    def logs_begin(self, out: int, err: int) -> None:
        """Say behind how many bytes the job's part of the logs begins."""
        with self._lock:
            self._try_write(replace(self._card, log_starts=(out, err)))

    def begun(self) -> None:
        """Say that the front end has been seen to say that the job runs."""
        with self._lock:
            self._try_write(replace(self._card, begun=True))

    def to_send(self, size: int) -> None:
        """Say how many bytes there are to send, at most."""
        with self._lock:
            self._card = replace(self._card, to_send=self._card.bytes_up + size)

    def up(self, size: int) -> None:
        """Count bytes that were sent."""
        self._count(size, 0)

    def down(self, size: int) -> None:
        """Count bytes that came home."""
        self._count(0, size)

    def moved_to(self, folder: Path) -> None:
        """Say where the job's project is now."""
        with self._lock:
            self._write(replace(self._card, folder=folder))

    def end(self, exit_: Exit) -> None:
        """Say how the job ended; it is home."""
        with self._lock:
            self._write(
                replace(
                    self._card,
                    phase=Phase.ENDED,
                    note="",
                    forecast=None,
                    outcome=exit_.outcome,
                    code=exit_.code,
                    reason=exit_.reason,
                    run_s=self._run_s(),
                    ended_at=self._now(),
                )
            )

    def _run_s(self) -> int:
        """How long ago the job started; by the wall clock if an earlier courier saw that."""
        if self._started_s is not None:
            return round(self._clock.monotonic() - self._started_s)
        try:
            started = datetime.fromisoformat(self._card.started_at)
            return max(0, round((self._clock.now() - started).total_seconds()))
        except (ValueError, TypeError):  # it has not started, or its card was meddled with
            return 0

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")

    def _count(self, up: int, down: int) -> None:
        with self._lock:
            card = self._card
            self._card = replace(
                card, bytes_up=card.bytes_up + up, bytes_down=card.bytes_down + down
            )
            if self._clock.monotonic() - self._written_s >= _EVERY_S:
                self._try_write(self._card)

    def _try_write(self, card: Card) -> None:
        try:
            self._write(card)
        except OSError as error:
            _LOG.warning("job %d's card cannot be written: %s", card.number, error)

    def _write(self, card: Card) -> None:
        self._card = card
        self._written_s = self._clock.monotonic()
        self._cards.write(card)
