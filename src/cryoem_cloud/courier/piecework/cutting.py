"""Into how many pieces a job is cut, and how large they are."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

__all__ = ["piece_sizes"]

_SHORTEST_S = 60.0
"""A piece's work, at least: the requests around it and its program's start cost seconds."""
_LONGEST_S = 600.0
"""And at most: a machine that is lost costs no more than that."""
_SHARES = 2
"""A piece is at most what each machine would get if the rest were dealt out so many times: pieces
shrink towards the end, and no machine waits long for the last one (guided self-scheduling,
Polychronopoulos and Kuck, IEEE Trans. Comput. C-36, 1425, 1987)."""


def piece_sizes(
    items: int,
    *,
    machines: int,
    item_s: float,
    wanted: int = 0,
    streamed: bool = False,
    begun: Sequence[int] = (),
) -> tuple[int, ...]:
    """How many items each piece has, in order; one piece or none: the job is not worth cutting.

    `item_s` is a rough time of one item on one machine. With `wanted`, that many pieces, all about
    as large, but none that is empty. With `streamed`, where sending is what takes time, pieces are
    short from the first one on: machines begin once it is sent. Pieces that were `begun` stay.
    """
    rest = items - sum(begun)
    if not wanted:
        return (*begun, *_guided(rest, machines, item_s, streamed=streamed))
    plan = _even(items, wanted)
    if plan[: len(begun)] == tuple(begun):
        return plan
    return (*begun, *_even(rest, wanted - len(begun)))


def _even(items: int, wanted: int) -> tuple[int, ...]:
    pieces = max(1, min(wanted, items))
    ends = [(items * at) // pieces for at in range(pieces + 1)]
    return tuple(end - start for start, end in pairwise(ends) if end > start)


def _guided(rest: int, machines: int, item_s: float, *, streamed: bool) -> Iterator[int]:
    fewest = _items_in(_SHORTEST_S, item_s)
    most = fewest if streamed else max(fewest, _items_in(_LONGEST_S, item_s))
    while rest > 0:
        size = min(most, max(fewest, -(-rest // (_SHARES * machines))))
        if rest - size < fewest:
            size = rest
        yield size
        rest -= size


def _items_in(seconds: float, item_s: float) -> int:
    return max(1, round(seconds / item_s))
