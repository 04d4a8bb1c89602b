"""Where Auto Scaling launches next, and whom it ends: pure decisions over a group's members."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.ec2sim.capacity import Pool
from tests.ec2sim.groups import Member

__all__ = ["market_for_next", "pools_in_order", "to_end", "uneven", "zones_in_order"]


def zones_in_order(zones: Sequence[str], members: Iterable[Member]) -> list[str]:
    """The zones, those with the fewest members first."""
    count = Counter(member.zone for member in members)
    return sorted(zones, key=lambda zone: (count[zone], zone))


def uneven(zones: Sequence[str], members: Sequence[Member]) -> tuple[str, str] | None:
    """The zone with the fewest members and that with the most, if they differ by two or more."""
    order = zones_in_order(zones, members)
    count = Counter(member.zone for member in members)
    if len(order) < 2 or count[order[-1]] - count[order[0]] < 2:
        return None
    return order[0], order[-1]


def to_end(members: Sequence[Member], surplus: int) -> list[Member]:
    """Whom scale-in ends: of the zone that has most the oldest; protected ones never."""
    left = [member for member in members if not member.protected]
    ended: list[Member] = []
    while left and len(ended) < surplus:
        count = Counter(member.zone for member in left)
        crowded = max(count, key=lambda zone: (count[zone], zone))
        oldest = min((m for m in left if m.zone == crowded), key=lambda m: m.since)
        left.remove(oldest)
        ended.append(oldest)
    return ended


def market_for_next(distribution: Mapping[str, Any], members: Iterable[Member]) -> str:
    """Whether the next instance of a mixed group is Spot, by its instances distribution."""
    markets = Counter(member.market for member in members)
    total = sum(markets.values()) + 1
    base = int(distribution.get("OnDemandBaseCapacity", 0))
    percent = int(distribution.get("OnDemandPercentageAboveBaseCapacity", 100))
    on_demand = min(base, total) + math.ceil(max(0, total - base) * percent / 100)
    return "on-demand" if markets["on-demand"] < on_demand else "spot"


def pools_in_order(
    pools: Sequence[Pool],
    strategy: str,
    *,
    left: Callable[[Pool], int],
    price: Callable[[Pool], Decimal],
) -> list[Pool]:
    """The pools of one zone, the one to launch from first.

    `prioritized` and `capacity-optimized-prioritized` keep the order of the overrides.
    """
    if strategy == "capacity-optimized":
        return sorted(pools, key=left, reverse=True)
    if strategy == "price-capacity-optimized":
        return sorted(pools, key=lambda pool: (left(pool) <= 0, price(pool)))
    if strategy == "lowest-price":
        return sorted(pools, key=price)
    return sorted(pools, key=lambda pool: left(pool) <= 0)
