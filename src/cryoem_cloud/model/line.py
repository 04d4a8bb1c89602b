"""How fast the line between this computer and a store is."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Speed", "Speeds"]


@dataclass(frozen=True, slots=True)
class Speed:
    """What went over the wire in a second, as it was measured last, and when that was."""

    bytes_per_s: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """Each way; None: nobody has measured it."""

    up: Speed | None = None
    down: Speed | None = None
