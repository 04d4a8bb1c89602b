"""Memory for what is in flight: bounded, and used again.

A fresh buffer costs a page fault every 4 KiB, which is more than sending or receiving its bytes.
Buffers are mappings of their own: what is let go of is the system's at once, and large pieces among
small ones would keep much of the heap of each thread that has made some.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

__all__ = ["Held", "Pool"]


@dataclass(slots=True)
class _Ticket:
    """Of who asks for buffers of these sizes, and bytes besides; used ones, once it is granted."""

    sizes: Sequence[int]
    besides: int
    used: list[mmap | None] = field(default_factory=list)
    granted: threading.Event = field(default_factory=threading.Event)

    @property
    def weight(self) -> int:
        return sum(self.sizes) + self.besides


class Pool:
    """Buffers for all threads that together, and with what is held besides, have `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._idle: dict[int, list[mmap]] = defaultdict(list)
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket] = deque()

    @property
    def bytes(self) -> tuple[int, int]:
        """Bytes that are held, and those that lie idle."""
        with self._lock:
            return self._held, self._idle_bytes()

    @contextmanager
    def holding(self, *sizes: int, besides: int = 0) -> Iterator["Held"]:
        """Buffers of these sizes, and the right to `besides` bytes more, once there is room.

        Who asked first gets it first. What is more than the pool has is held alone. Who holds
        something must not ask for more; it may give back early.
        """
        buffers = self._granted(_Ticket(sizes, besides))
        held = Held(self, buffers, besides)
        try:
            yield held
        finally:
            held.keep_only(0)
            held.drop_more()

    def _granted(self, ticket: _Ticket) -> list[mmap]:
        """Wait for one's turn; only who gets it is woken."""
        with self._lock:
            if not self._waiting and self._fits(ticket):
                self._grant(ticket)
                self._drop_idle()
            else:
                self._waiting.append(ticket)
        ticket.granted.wait()
        pairs = zip(ticket.used, ticket.sizes, strict=True)
        return [buffer or _buffer(size) for buffer, size in pairs]

    def _fits(self, ticket: _Ticket) -> bool:
        return not self._held or self._held + ticket.weight <= self._most

    def _grant(self, ticket: _Ticket) -> None:
        """Buffers that lay idle go to it at once, so that nobody lets go of them."""
        self._held += ticket.weight
        ticket.used = [self._used(size) for size in ticket.sizes]
        ticket.granted.set()

    def _used(self, size: int) -> mmap | None:
        return self._idle[size].pop() if self._idle[size] else None

    def _drop_idle(self) -> None:
        """Let go of buffers until no more memory is in use than may be."""
        for buffers in self._idle.values():
            while buffers and self._held + self._idle_bytes() > self._most:
                buffers.pop()

    def _idle_bytes(self) -> int:
        return sum(size * len(buffers) for size, buffers in self._idle.items())

    def at_once(self, size: int, *, counted: int) -> mmap:
        """A buffer for who holds something, of which so many bytes are counted by now."""
        with self._lock:
            self._held += size - counted
            used = self._used(size)
            self._drop_idle()
        return used or _buffer(size)

    def give(self, buffers: list[mmap], besides: int) -> None:
        """Take back what was held."""
        with self._lock:
            self._held -= sum(map(len, buffers)) + besides
            for buffer in buffers:
                self._idle[len(buffer)].append(buffer)
            while self._waiting and self._fits(self._waiting[0]):
                self._grant(self._waiting.popleft())
            self._drop_idle()


class Held:
    """What one thread holds of a pool: buffers as views, and bytes besides."""

    def __init__(self, pool: Pool, buffers: list[mmap], besides: int) -> None:
        self._pool = pool
        self._buffers = buffers
        self._besides = besides
        self._more: list[mmap] = []
        self.views = [memoryview(buffer) for buffer in buffers]

    def more(self, size: int) -> memoryview:
        """Another buffer, at once: out of the bytes besides, and counted where these do not do."""
        counted = min(size, self._besides)
        self._besides -= counted
        buffer = self._pool.at_once(size, counted=counted)
        self._more.append(buffer)
        return memoryview(buffer)

    def drop_more(self) -> None:
        """Give back what `more` gave."""
        buffers, self._more = self._more, []
        self._pool.give(buffers, 0)

    def keep_only(self, besides: int) -> None:
        """Give back the buffers of the beginning, and what is more than `besides` bytes."""
        buffers, self._buffers = self._buffers, []
        self.views = []
        given, self._besides = self._besides - besides, besides
        self._pool.give(buffers, given)


def _buffer(size: int) -> mmap:
    return mmap(-1, size, flags=MAP_PRIVATE | MAP_ANONYMOUS)
