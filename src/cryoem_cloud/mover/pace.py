"""How many streams there are, and how fast they may be. Pure: time is an argument, in seconds."""

from dataclasses import dataclass

__all__ = ["TELLING_BYTES", "Limit", "Link", "Pace"]

TELLING_BYTES = 32 * 1024 * 1024
"""Less tells nothing of a line."""
_PERIOD_S = 2.0
_GROWTH = 1.03
"""More streams are worth it as long as each step adds more than 3 % to the goodput."""
_REST_PERIODS = 15
"""After a step that was not worth it, so many periods pass before the next is tried."""


@dataclass(slots=True, kw_only=True)
class Pace:
    """A number of streams that grows while the goodput does, and is halved when a store is busy."""

    streams: int
    least: int = 1
    most: int
    _since_s: float | None = None
    _bytes: int = 0
    _moves: int = 0
    _before: float = 0.0
    """The goodput of the period before, in bytes per second."""
    _grew: bool = False
    _rest: int = 0
    _halved_s: float | None = None

    def moved(self, size: int, now_s: float) -> None:
        """Take note that so many bytes have arrived now.

        A period is judged once it has lasted 2 s and each stream has moved something twice.
        """
        if self._since_s is None:
            self._since_s = now_s
            return
        self._bytes += size
        self._moves += 1
        lasted_s = now_s - self._since_s
        if lasted_s >= _PERIOD_S and self._moves >= 2 * self.streams:
            self._judge(self._bytes / lasted_s)
            self._since_s, self._bytes, self._moves = now_s, 0, 0

    def busy(self, now_s: float) -> None:
        """Halve the streams: the store was busy, or did not answer.

        What all streams are told at once counts once.
        """
        if self._halved_s is not None and now_s - self._halved_s < _PERIOD_S:
            return
        self._halved_s = now_s
        self.streams = max(self.least, self.streams // 2)
        self._since_s, self._bytes, self._moves = None, 0, 0
        self._before, self._grew, self._rest = 0.0, False, 1

    def _judge(self, goodput: float) -> None:
        worth_it = goodput > self._before * _GROWTH
        if self._grew and not worth_it:
            self.streams -= 1
            self._grew, self._rest = False, _REST_PERIODS
        elif self._rest > 0:
            self._rest -= 1
            self._grew = False
        else:
            self._grew = self.streams < self.most
            self.streams += self._grew
        self._before = goodput


@dataclass(slots=True)
class Limit:
    """A bucket of bytes that fills at a rate, up to what flows in a second."""

    bytes_per_s: float
    _free_s: float = float("-inf")
    """When what was allowed so far will have flowed."""

    def wait_s(self, size: int, now_s: float) -> float:
        """Allow so many bytes, and tell how long to wait before they go."""
        start_s = max(self._free_s, now_s - 1.0)
        self._free_s = start_s + size / self.bytes_per_s
        return max(0.0, self._free_s - now_s)


@dataclass(slots=True)
class Link:
    """What the link takes: bytes over the time in which any were under way."""

    _active: int = 0
    _since_s: float = 0.0
    _busy_s: float = 0.0
    _bytes: int = 0

    @property
    def bytes_per_s(self) -> float | None:
        """None as long as too little has gone to tell."""
        if self._bytes < TELLING_BYTES or self._busy_s <= 0:
            return None
        return self._bytes / self._busy_s

    def begin(self, now_s: float) -> None:
        """Something is on its way."""
        self._count(now_s)
        self._active += 1

    def end(self, size: int, now_s: float) -> None:
        """So much of it has arrived, if anything."""
        self._count(now_s)
        self._active -= 1
        self._bytes += size
        if self._busy_s > _MEMORY_S:  # what was long ago counts less and less
            self._bytes //= 2
            self._busy_s /= 2

    def _count(self, now_s: float) -> None:
        if self._active:
            self._busy_s += now_s - self._since_s
        self._since_s = now_s


_MEMORY_S = 60.0
