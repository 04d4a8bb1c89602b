"""Machines, and how an observer decides that one is dead."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Self

__all__ = ["DEAD_AFTER_S", "HEARTBEAT_S", "Fleet", "Machine", "Pulse", "State"]

HEARTBEAT_S = 15.0
"""How often a machine changes its beat."""
DEAD_AFTER_S = 60.0
"""How long an observer must have seen no change, on its own monotonic clock."""


class State(Enum):
    """What the provider says of a machine."""

    STARTING = "starting"
    UP = "up"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine as its provider knows it."""

    name: str
    state: State
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The machines of one launch attempt, as a provider sees them now.

    `boot_failures` counts machines that ended before their agent was up, in a row; `boot_log` is
    what the last of them printed.
    """

    machines: tuple[Machine, ...] = ()
    boot_failures: int = 0
    boot_log: str = ""

    @property
    def alive(self) -> tuple[Machine, ...]:
        """Those that still cost something."""
        return tuple(machine for machine in self.machines if machine.state is not State.GONE)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What an observer knows of a machine's beat; seconds are of its own monotonic clock."""

    beat: bytes | None
    changed_at_s: float

    @classmethod
    def first(cls, beat: bytes | None, now_s: float) -> Self:
        """The first look: a machine gets the whole time from here."""
        return cls(beat, now_s)

    def look(self, beat: bytes | None, now_s: float) -> Self:
        """After another look."""
        return self if beat == self.beat else replace(self, beat=beat, changed_at_s=now_s)

    def dead(self, now_s: float) -> bool:
        """Whether the machine has shown no life for too long."""
        return now_s - self.changed_at_s >= DEAD_AFTER_S
