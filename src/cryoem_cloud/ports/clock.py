"""Time is an argument."""

from datetime import datetime
from typing import Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """What programs know of time."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC; for people and records, never for decisions."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after that time."""
        ...
