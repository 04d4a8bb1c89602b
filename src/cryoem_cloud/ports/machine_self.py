"""What a machine can say to its provider about itself, and what it is told."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["Limits", "MachineSelf", "Notice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The provider takes this machine in so many seconds; None: it may, and nobody knows when."""

    within_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What ends work on a machine: inf is no limit.

    `whole_s` is how long the job's machines may be there, `left_s` what is left of that (0: it is
    over), `idle_s` how long a machine may do nothing while a program runs on it.
    """

    whole_s: float = math.inf
    left_s: float = math.inf
    idle_s: float = math.inf


class MachineSelf(Protocol):
    """The provider, as seen from a machine that it started.

    Calls about a provider that does not answer, or refuses, return without doing anything: they
    are of the kind that comes again, or of the last minute.
    """

    @property
    def name(self) -> str:
        """The machine's name, unique in its job."""
        ...

    def up(self) -> None:
        """Say that the agent runs and has found its job."""
        ...

    def worked(self) -> None:
        """Say that the agent has come through a turn: an end is no failure of the machine's now."""
        ...

    def progressed(self) -> None:
        """Say that the task progresses: what would end the fleet for want of that waits longer.

        May be called at any time, and asks the provider no more often than it must.
        """
        ...

    def notice(self) -> Notice | None:
        """Whether the provider means to take this machine; quick enough for every 5 s."""
        ...

    def limits(self) -> Limits:
        """What ends the work as of now; no request."""
        ...

    def extend(self, until: datetime) -> None:
        """Say that the job's machines may be there until then; what they know already is done."""
        ...

    def replace(self, machine: str) -> None:
        """Have a machine that worked on our job and shows no life ended, and another started.

        Its task is ours already: should it live, it works for nothing.
        """
        ...

    def leave(self, *, last: bool) -> None:
        """Say that this machine is about to end by itself and is not to be replaced.

        `last` says that nothing is left to do for the whole fleet: all of it may end with us.
        Where machines are dear it ends with this call, or a moment after it.
        """
        ...

    def make_way(self) -> None:
        """Wait to be taken, after a notice, with nothing left to do; the provider replaces us.

        Returns only where the machine was not taken after all, or there is nothing to wait for.
        """
        ...
