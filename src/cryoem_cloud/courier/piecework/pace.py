"""How fast a job in pieces comes along: its pieces into the store, and machines through them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from cryoem_cloud.model.task import Ready
from cryoem_cloud.ports.clock import Clock

__all__ = ["Arriving", "Working"]


@dataclass
class Arriving:
    """Counts items as they become ready, by this courier's own clock.

    `sent` are ready, of which `counted` became so within the last `counted_s`, while we looked.
    """

    sizes: Sequence[int]
    clock: Clock
    sent: int = 0
    _first: tuple[int, float] | None = None

    def look(self, ready: Ready) -> None:
        """So many tasks are ready now."""
        self.sent = list(accumulate(self.sizes, initial=0))[min(ready.count, len(self.sizes))]
        if self._first is None:
            self._first = self.sent, self.clock.monotonic()

    @property
    def counted(self) -> int:
        """Items."""
        return self.sent - self._first[0] if self._first else 0

    @property
    def counted_s(self) -> float:
        """Seconds."""
        return self.clock.monotonic() - self._first[1] if self._first else 0.0


@dataclass
class Working:
    """Times pieces, from the first word of a machine on one to its last.

    A piece of which we read the first word late is left out: how late is not known.
    """

    _begun: dict[str, tuple[str, float]] = field(default_factory=dict)
    _items: int = 0
    _seconds: float = 0.0

    def at_work(self, machine: str, task: str, now_s: float) -> None:
        """A machine has a piece, by the newest page of its journal."""
        if self._begun.get(machine, ("", 0.0))[0] != task:
            self._begun[machine] = task, now_s

    def ended(self, machine: str, task: str, items: int, now_s: float) -> None:
        """A piece of so many items has ended on a machine."""
        begun, at_s = self._begun.pop(machine, ("", 0.0))
        if begun == task and now_s > at_s:
            self._items += items
            self._seconds += now_s - at_s

    @property
    def item_s(self) -> float | None:
        """What an item takes a machine, in the mean; None before that is known."""
        return self._seconds / self._items if self._items else None
