"""A clock that stands until the next event."""

from datetime import UTC, datetime, timedelta

__all__ = ["EventClock"]

_START = datetime(2026, 1, 1, tzinfo=UTC)
"""Any: no decision depends on a wall clock."""


class EventClock:
    """Seconds since the simulation began. See `ports.clock`."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def now(self) -> datetime:
        """See the port."""
        return _START + timedelta(seconds=self._now_s)

    def monotonic(self) -> float:
        """See the port."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """See the port; nobody else does anything meanwhile."""
        self._now_s += max(0.0, seconds)

    def go_to(self, now_s: float) -> None:
        """It is so late now; never earlier than it was."""
        self._now_s = max(self._now_s, now_s)
