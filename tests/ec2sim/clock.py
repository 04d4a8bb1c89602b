"""The simulator's clock: one of its minutes lasts as long as the test says."""

import heapq
import itertools
import time
from collections.abc import Callable
from threading import Condition, RLock, Thread

__all__ = ["Clock"]

_CLOSING_SECONDS = 5.0


class Clock:
    """Simulated seconds since its start, and what is due at which of them.

    What is due runs in the clock's thread, or in that of `skip`, holding the lock; in the order of
    its instants. Nothing of it may wait.
    """

    def __init__(self, minute: float, lock: RLock) -> None:
        self._second = minute / 60
        self._changed = Condition(lock)
        self._started = time.monotonic()
        self._skipped = 0.0
        self._running_at: float | None = None
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._closed = False
        self._thread = Thread(target=self._run, name="ec2sim-clock", daemon=True)
        self._thread.start()

    def now(self) -> float:
        """Simulated seconds since the start."""
        if self._running_at is not None:
            return self._running_at
        return (time.monotonic() - self._started) / self._second + self._skipped

    def simulated(self, real_seconds: float) -> float:
        """How many simulated seconds so many real ones are."""
        return real_seconds / self._second

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Have it done in so many simulated seconds; at once is still later than now."""
        with self._changed:
            heapq.heappush(self._due, (self.now() + max(0.0, seconds), next(self._order), do))
            self._changed.notify_all()

    def skip(self, seconds: float) -> None:
        """Let time pass at once: on return everything that became due has been done."""
        with self._changed:
            until = self.now() + seconds
            self._do_until(until)
            self._skipped += max(0.0, until - self.now())

    def close(self) -> None:
        """Do nothing any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                self._do_until(self.now())
                wait = (self._due[0][0] - self.now()) * self._second if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)

    def _do_until(self, until: float) -> None:
        if self._running_at is not None:
            return
        while self._due and self._due[0][0] <= until and not self._closed:
            self._running_at, _, do = heapq.heappop(self._due)
            try:
                do()
            finally:
                self._running_at = None
