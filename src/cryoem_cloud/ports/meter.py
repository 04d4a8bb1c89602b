"""Who counts what is asked of stores that charge for it."""

from enum import Enum
from typing import Protocol

__all__ = ["UNMETERED", "Asked", "Meter"]


class Asked(Enum):
    """A request, as it is charged for. The values are words of stored records."""

    WRITE = "writes"
    """It writes, copies, moves or lists."""
    READ = "reads"
    RESTORE = "restores"
    """It has an archived object restored."""
    FREE = "free"


class Meter(Protocol):
    """Is told by stores. Safe for threads."""

    def asked(self, key: str, what: Asked, come: int = 0) -> None:
        """A request about that key, or about those that begin with it, was made; `come` bytes came.

        A request that is made again is told of again; one that no server answered is not.
        """
        ...


class _Unmetered:
    def asked(self, key: str, what: Asked, come: int = 0) -> None:
        """Nobody counts."""


UNMETERED: Meter = _Unmetered()
