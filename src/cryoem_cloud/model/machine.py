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
    LEFT = "left"
    """It ended by itself, as there was nothing for it to do."""
    GONE = "gone"
    """It ended in any other way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine as its provider knows it.

    `since` is when it was started (ISO 8601), `until` when it ended, `region` and `zone` where it
    is, `market` at which price, `address` where it can be reached; each is empty where it means
    nothing or is not known.
    """

    name: str
    state: State
    kind: str = ""
    since: str = ""
    until: str = ""
    region: str = ""
    zone: str = ""
    market: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The machines of one launch attempt, as a provider sees them now.

    `failures` counts machines that are gone without having worked, in a row and in the order in
    which they were started: those that never came up, and those that broke in their first turn or
    before it. `failure_log` is what the last of them printed. `spent` says that no machine is there
    and none will come any more; `refusal`, why the provider gets no machine that it wants.
    """

    machines: tuple[Machine, ...] = ()
    failures: int = 0
    failure_log: str = ""
    spent: bool = False
    refusal: str = ""

    @property
    def alive(self) -> tuple[Machine, ...]:
        """Those that still cost something."""
        return tuple(m for m in self.machines if m.state in {State.STARTING, State.UP})

    @property
    def left(self) -> tuple[Machine, ...]:
        """Those that ended by themselves."""
        return tuple(machine for machine in self.machines if machine.state is State.LEFT)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What an observer knows of a machine's beat; seconds are of its own monotonic clock.

    `beats` says that the last change happened between two looks close enough to tell when.
    """

    beat: bytes | None
    changed_at_s: float
    looked_at_s: float
    beats: bool = False

    @classmethod
    def first(cls, beat: bytes | None, now_s: float) -> Self:
        """The first look: a machine gets the whole time from here."""
        return cls(beat, now_s, now_s)

    def look(self, beat: bytes | None, now_s: float) -> Self:
        """After another look."""
        if beat == self.beat:
            return replace(self, looked_at_s=now_s)
        close = now_s - self.looked_at_s < DEAD_AFTER_S
        return replace(self, beat=beat, changed_at_s=now_s, looked_at_s=now_s, beats=close)

    def alive(self, now_s: float) -> bool:
        """Whether the machine has been seen to live, not long ago.

        Neither alive nor dead is a machine of which that is not known yet.
        """
        return self.beats and not self.dead(now_s)

    def dead(self, now_s: float) -> bool:
        """Whether the machine has shown no life for too long."""
        return now_s - self.changed_at_s >= DEAD_AFTER_S
