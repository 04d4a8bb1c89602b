"""Memory for what is in flight: bounded, and used again.

A fresh buffer costs a page fault every 4 KiB, which is more than sending or receiving its bytes.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

__all__ = ["Held", "Pool"]


class Pool:
    """Buffers for all threads that together, and with what is held besides, have `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._idle: dict[int, list[bytearray]] = defaultdict(list)
        self._changed = threading.Condition()

    @property
    def bytes(self) -> tuple[int, int]:
        """Bytes that are held, and those that lie idle."""
        with self._changed:
            return self._held, self._idle_bytes()

    @contextmanager
    def holding(self, *sizes: int, besides: int = 0) -> Iterator["Held"]:
        """Buffers of these sizes, and the right to `besides` bytes more, once there is room.

        What is more than the pool has is held alone. Who holds something must not ask for more; it
        may give back early.
        """
        weight = sum(sizes) + besides
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + weight <= self._most)
            self._held += weight
            buffers = self._buffers(sizes)
        held = Held(self, buffers, besides)
        try:
            yield held
        finally:
            held.keep_only(0)

    def _buffers(self, sizes: Sequence[int]) -> list[bytearray]:
        """Buffers that lay idle, and new ones in the place of others that did."""
        used = [self._idle[size].pop() if self._idle[size] else None for size in sizes]
        self._drop_idle()
        return [buffer or bytearray(size) for buffer, size in zip(used, sizes, strict=True)]

    def _drop_idle(self) -> None:
        """Let go of buffers until no more memory is in use than may be."""
        for buffers in self._idle.values():
            while buffers and self._held + self._idle_bytes() > self._most:
                buffers.pop()

    def _idle_bytes(self) -> int:
        return sum(size * len(buffers) for size, buffers in self._idle.items())

    def give(self, buffers: list[bytearray], besides: int) -> None:
        """Take back what was held."""
        with self._changed:
            self._held -= sum(map(len, buffers)) + besides
            for buffer in buffers:
                self._idle[len(buffer)].append(buffer)
            self._drop_idle()
            self._changed.notify_all()


class Held:
    """What one thread holds of a pool: buffers as views, and bytes besides."""

    def __init__(self, pool: Pool, buffers: list[bytearray], besides: int) -> None:
        self._pool = pool
        self._buffers = buffers
        self._besides = besides
        self.views = [memoryview(buffer) for buffer in buffers]

    def keep_only(self, besides: int) -> None:
        """Give back the buffers, and what is more than `besides` bytes."""
        buffers, self._buffers = self._buffers, []
        self.views = []
        given, self._besides = self._besides - besides, besides
        self._pool.give(buffers, given)
