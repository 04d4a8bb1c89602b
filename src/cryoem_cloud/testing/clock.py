"""Time that only moves when it is told to."""

import threading
from datetime import UTC, datetime, timedelta

__all__ = ["StoppedClock"]


class StoppedClock:
    """A clock for tests; `sleep` moves it on and returns at once. Safe for threads."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed_s = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []
        """Every wait that was asked for, in seconds."""

    def now(self) -> datetime:
        """See the port."""
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """See the port."""
        return self._passed_s

    def sleep(self, seconds: float) -> None:
        """See the port."""
        with self._lock:
            self.slept.append(seconds)
            self._passed_s += max(0.0, seconds)

    def pass_(self, seconds: float) -> None:
        """Let time go by without anybody sleeping."""
        with self._lock:
            self._passed_s += seconds
