"""How work in progress is shown: in place on a terminal, as plain lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import click

from cryoem_cloud.cli.showing import left_of
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.units import human_duration, human_size

if TYPE_CHECKING:  # heavy; wanted on terminals only
    from rich.status import Status

__all__ = ["Progress", "Rate", "moving", "progress"]

_LINE_EVERY_S = 60.0


class Progress(Protocol):
    """Shows where a job is."""

    def say(self, card: Card) -> None:
        """Show it."""
        ...

    def aside(self) -> AbstractContextManager[object]:
        """Room for others to write in."""
        ...


@contextmanager
def progress() -> Iterator[Progress]:
    """Something on stderr that shows where a job is."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console  # noqa: PLC0415  (heavy; wanted on terminals only)

    with Console(stderr=True).status("") as status:
        yield _InPlace(status)


@contextmanager
def moving(what: str, total: int, *, wire: Callable[[], int]) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal for `total` bytes, elsewhere a line a minute.

    Gives what is to be told of bytes that moved. `wire` tells how many have gone over the wire.
    """
    if not sys.stderr.isatty():
        yield _Minutes(what, total, wire).moved
        return
    from rich import progress as bars  # noqa: PLC0415  (heavy; wanted on terminals only)
    from rich.console import Console  # noqa: PLC0415

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TextColumn("{task.fields[wire]}"),
        bars.TimeRemainingColumn(),
    )
    rate = Rate()
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, wire="")

        def moved(size: int) -> None:
            rate.look(wire(), time.monotonic())
            bar.update(task, advance=size, wire=_on_the_wire(rate.per_s))

        yield moved


class Rate:
    """How fast a count grows, in its units a second."""

    def __init__(self, over_s: float = 1.0) -> None:
        self._over_s = over_s
        self._seen: tuple[float, int] | None = None
        self.per_s = 0.0
        """As of the last whole second, or what was asked for."""

    def look(self, count: int, now_s: float) -> None:
        """Take note of the count."""
        if self._seen is None:
            self._seen = (now_s, count)
        before_s, before = self._seen
        if now_s - before_s >= self._over_s:
            self.per_s = max(0, count - before) / (now_s - before_s)
            self._seen = (now_s, count)

    def left(self, count: int) -> str:
        """How long so many more take, for people; "" where nobody knows."""
        if self.per_s <= 0 or count <= 0:
            return ""
        return f"{human_duration(timedelta(seconds=count / self.per_s))} left"


class _Minutes:
    """A line a minute, for logs. Safe for threads."""

    def __init__(self, what: str, total: int, wire: Callable[[], int]) -> None:
        self._what, self._total, self._wire = what, total, wire
        self._lock = threading.Lock()
        self._done = 0
        self._raw, self._sent = Rate(_LINE_EVERY_S), Rate(_LINE_EVERY_S)
        self._told_s = time.monotonic()
        self._raw.look(0, self._told_s)
        self._sent.look(wire(), self._told_s)

    def moved(self, size: int) -> None:
        """So many bytes have."""
        with self._lock:
            self._done += size
            now_s = time.monotonic()
            if now_s - self._told_s < _LINE_EVERY_S:
                return
            self._told_s = now_s
            self._raw.look(self._done, now_s)
            self._sent.look(self._wire(), now_s)
            click.echo(f"cryoem: {self._line()}", err=True)

    def _line(self) -> str:
        done = f"{human_size(self._done)} of {human_size(self._total)}"
        rate = f"{human_size(int(self._raw.per_s))}/s"
        words = (rate, _on_the_wire(self._sent.per_s), self._raw.left(self._total - self._done))
        return f"{self._what}: {', '.join(word for word in (done, *words) if word)}"


def _on_the_wire(per_s: float) -> str:
    return f"{human_size(int(per_s))}/s on the wire" if per_s else ""


class _Lines:
    """A line whenever the phase or the note changes."""

    def __init__(self) -> None:
        self._last = ("", "")

    def say(self, card: Card) -> None:
        if (card.phase.value, card.note) != self._last:
            self._last = (card.phase.value, card.note)
            click.echo(f"cryoem: job {card.number}: {_state(card)}", err=True)

    def aside(self) -> AbstractContextManager[object]:
        return nullcontext()


class _InPlace:
    """A line in place, with what has been moved, how fast, and what is left."""

    def __init__(self, status: "Status") -> None:
        self._status = status
        self._rate = Rate()

    def say(self, card: Card) -> None:
        from rich.markup import escape  # noqa: PLC0415  (loaded already)

        self._rate.look(card.bytes_up + card.bytes_down, time.monotonic())
        words = [_state(card)]
        if self._rate.per_s:
            words.append(f"{human_size(int(self._rate.per_s))}/s")
        if card.phase is Phase.SENDING and (left := self._rate.left(card.to_send - card.bytes_up)):
            words.append(left)
        self._status.update(escape(f"job {card.number}: {', '.join(words)}"))

    @contextmanager
    def aside(self) -> Iterator[None]:
        self._status.stop()
        yield
        self._status.start()


def _state(card: Card) -> str:
    sent = f"{human_size(card.bytes_up)} sent" if card.bytes_up else ""
    home = f"{human_size(card.bytes_down)} home" if card.bytes_down else ""
    phase = "" if card.note.startswith(card.phase.value) else card.phase.value
    return ", ".join(word for word in (phase, left_of(card) or card.note, sent, home) if word)
