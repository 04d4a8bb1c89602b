"""How many machines a job in pieces is worth while its inputs are still being sent.

Decision 0019: couriers order by it, plans reckon with it, and the simulation lives by it. Work is
in machine-seconds. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor

__all__ = ["Manned", "Seen", "Todo", "manned", "strength"]

_ROUNDING_S = 1e-6
_COUNTED_S = 60.0
"""For so long sending is watched before its rate is believed: the first files may be small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """What there is to do now.

    `ready_s` of work lies in the store, and has not ended; `coming_s` of work is still to be sent,
    which takes `sent_in_s` more; a machine that is ordered now works in `boot_s`.
    """

    ready_s: float
    coming_s: float
    sent_in_s: float
    boot_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is seen of a job in pieces, by who orders machines for it.

    Of so many `items`, `sent` have been sent and `ended` have ended; an item takes a machine
    `item_s`, as far as that is known. `counted` were sent within the `counted_s` that were watched.
    """

    items: float
    sent: float
    ended: float
    item_s: float
    counted: float
    counted_s: float

    def wanted(self, *, there: int, most: int, boot_s: float) -> int:
        """How many machines there should be; as many as are while sending has no rate, or one."""
        rest = self.items - self.sent
        if rest > 0 and (self.counted <= 0 or self.counted_s < _COUNTED_S):
            return max(there, 1)
        todo = Todo(
            ready_s=max(self.sent - self.ended, 0.0) * self.item_s,
            coming_s=rest * self.item_s,
            sent_in_s=rest * self.counted_s / self.counted if rest > 0 else 0.0,
            boot_s=boot_s,
        )
        return strength(todo, there=there, most=most)


def strength(todo: Todo, *, there: int, most: int) -> int:
    """How many machines there should be, where so many are there already.

    As many as have work without a pause from their boot until all is sent; each has at least as
    much to do as its boot takes. Never more than `most` or fewer than are there; one, if there is
    any work; another fleet adds half of what is there, at least, unless it is the last one.
    """
    work_s = todo.ready_s + todo.coming_s
    if work_s <= 0:
        return there
    left_s = work_s - there * todo.boot_s
    until_sent_s = max(todo.sent_in_s - todo.boot_s, todo.boot_s, _ROUNDING_S)
    worth = min(max(floor(left_s / until_sent_s + _ROUNDING_S), 1), most)
    is_small = worth < min(most, there + max(1, there // 2))
    return there if worth <= there or (is_small and todo.sent_in_s > todo.boot_s) else worth


@dataclass(frozen=True, slots=True)
class Manned:
    """How a job goes that is manned so: when it ends, and what its machines are paid for."""

    end_s: float
    paid_s: float
    """Of all machines together."""


def manned(todo: Todo, *, most: int) -> Manned:
    """What comes of it if work arrives evenly, and nothing is lost."""
    ordered = list(_orders(todo, most))
    end_s = _end_s(todo, ordered)
    return Manned(end_s, sum(end_s - at_s for at_s in ordered))


def _orders(todo: Todo, most: int) -> Iterator[float]:
    """When each machine is ordered."""
    now_s, there, state = 0.0, 0, todo
    while True:
        wanted = strength(state, there=there, most=most)
        yield from [now_s] * (wanted - there)
        there = wanted
        if there >= most or state.sent_in_s <= 0:
            return
        now_s, state = _later(state, now_s, there, most)


def _later(state: Todo, now_s: float, there: int, most: int) -> tuple[float, Todo]:
    """The next instant at which more may be worth it, and what there is to do then.

    While all are busy, a machine more is worth it when what they leave undone until all is sent
    fills it for the rest of that time.
    """
    work_s, until_s, boot_s = state.ready_s + state.coming_s, state.sent_in_s, state.boot_s
    more = min(there + max(1, there // 2), most)
    rest_s = (work_s - there * until_s - there * boot_s + more * boot_s) / (more - there)
    rest_s = min(max(rest_s, 0.0), until_s)
    if rest_s >= until_s - _ROUNDING_S:
        rest_s = min(until_s, 2 * boot_s) if until_s > 2 * boot_s + _ROUNDING_S else 0.0
    passed_s = until_s - rest_s
    coming_s = state.coming_s * rest_s / until_s
    done_s = min(there * passed_s, state.ready_s + state.coming_s - coming_s)
    ready_s = work_s - done_s - coming_s
    return now_s + passed_s, replace(state, ready_s=ready_s, coming_s=coming_s, sent_in_s=rest_s)


def _end_s(todo: Todo, ordered: list[float]) -> float:
    """When all work is done: not before it is sent, and a machine that boots does none."""
    work_s, up = todo.ready_s + todo.coming_s, sorted(at_s + todo.boot_s for at_s in ordered)
    done_s, now_s, busy = 0.0, 0.0, 0
    for at_s in [*up, float("inf")]:
        if busy and work_s - done_s <= busy * (at_s - now_s):
            return max(todo.sent_in_s, now_s + (work_s - done_s) / busy)
        done_s, now_s, busy = done_s + busy * (at_s - now_s), at_s, busy + 1
    raise ValueError("no machine was ordered")
