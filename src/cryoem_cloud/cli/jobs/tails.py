"""What a job has printed and is new: from its logs at home, or from its machines' journals."""

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.model.task import MAIN
from cryoem_cloud.model.turn import Deed, Turn

__all__ = ["LOGS", "Tail", "tail_of"]

LOGS = ("out", "err")
"""In the order in which cards name their files."""
_KNOWN_BYTES = 4096
"""Of what was printed last, by which a log is known to be the same still."""


class Tail(Protocol):
    """Gives what is new, piece by piece: "out" or "err", and bytes."""

    def new(self) -> Iterator[tuple[str, bytes]]:
        """What has come since the last time."""
        ...


def tail_of(card: Card) -> Tail:
    """What the job prints, from its submission on.

    Where this computer brings the job home its files are read, otherwise its machines' journals.
    """
    ours = any(known.project == card.project for known in cards().of_number(card.number))
    there = any((card.folder / path).exists() for path in card.logs)
    return _AtHome(card) if ours and (there or card.open) else _InStore(card)


class _AtHome:
    """A log that was begun anew, by another turn or when pieces were joined, is begun anew here."""

    def __init__(self, card: Card) -> None:
        self._paths = [card.folder / path for path in card.logs]
        self._starts = list(card.log_starts)
        self._ends = [_begun_by_a_later(card, place) for place in range(len(LOGS))]
        self._printed = [_Printed(start) for start in card.log_starts]

    def new(self) -> Iterator[tuple[str, bytes]]:
        for place, (log, path) in enumerate(zip(LOGS, self._paths, strict=True)):
            try:
                with path.open("rb") as file:
                    data = self._printed[place].new(file, self._ends[place])
                    if data is None:
                        self._printed[place] = _Printed(self._starts[place])
                        data = self._printed[place].new(file, self._ends[place])
            except FileNotFoundError:
                continue
            if data:
                yield log, data


class _Printed:
    """How much of a log was printed, and what stood last in that."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._last = b""

    def new(self, file: BinaryIO, end: int | None) -> bytes | None:
        """What stands behind it, before `end`; None where the log is not the same any more."""
        start = self._at - len(self._last)
        file.seek(start)
        data = file.read(-1 if end is None else max(0, end - start))
        if not data.startswith(self._last):
            return None
        fresh = data[len(self._last) :]
        self._at += len(fresh)
        self._last = data[-_KNOWN_BYTES:]
        return fresh


def _begun_by_a_later(card: Card, place: int) -> int | None:
    """Where a later job's part of the log begins, if one has written into the same file."""
    file = card.folder / card.logs[place]
    return min(
        (
            later.log_starts[place]
            for later in cards().all()
            if later.number > card.number and later.folder / later.logs[place] == file
        ),
        default=None,
    )


class _InStore:
    def __init__(self, card: Card) -> None:
        self._records = records_of(card)
        self._log = self._records.turns(MAIN)
        self._claim: Turn | None = None
        self._page = 1

    def new(self) -> Iterator[tuple[str, bytes]]:
        try:
            yield from self._new()
        except StoreError:  # the store is away; what it has is printed later
            return

    def _new(self) -> Iterator[tuple[str, bytes]]:
        claims = [turn for turn in self._log.read() if turn.deed is Deed.CLAIM]
        if not claims:
            return
        if self._claim != claims[-1]:  # only the last claim's machine is believed
            self._claim, self._page = claims[-1], 1
        while (page := self._records.page(claims[-1].holder, self._page)) is not None:
            self._page += 1
            if (page.task, page.turn) == (MAIN, claims[-1].number):
                yield from ((chunk.log, chunk.data) for chunk in page.lines)
