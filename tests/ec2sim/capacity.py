"""How many machines of a kind a zone still has, which only AWS knows, and the test."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Capacity", "Pool"]

PLENTY = 10_000


@dataclass(frozen=True, slots=True)
class Pool:
    """One kind of machine in one zone, at one of the two prices."""

    type: str
    zone: str
    market: str  # on-demand or spot


@dataclass(slots=True)
class _Limit:
    type: str | None
    zone: str | None
    market: str | None
    left: int

    def holds_for(self, pool: Pool) -> bool:
        return (
            self.type in {None, pool.type}
            and self.zone in {None, pool.zone}
            and self.market in {None, pool.market}
        )


class Capacity:
    """What is left in each pool: plenty, unless a test has said otherwise."""

    def __init__(self) -> None:
        self._limits: list[_Limit] = []

    def limit(
        self,
        left: int,
        *,
        kind: str | None = None,
        zone: str | None = None,
        market: str | None = None,
    ) -> None:
        """Only so many more may be launched in the pools that fit; together, not each."""
        self._limits.append(_Limit(kind, zone, market, left))

    def restore(self) -> None:
        """Forget all limits."""
        self._limits.clear()

    def left(self, pool: Pool) -> int:
        """How many more can be launched from the pool."""
        return min((each.left for each in self._limits if each.holds_for(pool)), default=PLENTY)

    def take(self, pool: Pool, count: int) -> None:
        """Count them as launched."""
        for each in self._limits:
            if each.holds_for(pool):
                each.left -= count

    def zones_with(self, pool: Pool, zones: Sequence[str]) -> list[str]:
        """The zones in which such a machine can be had."""
        return [zone for zone in zones if self.left(Pool(pool.type, zone, pool.market)) > 0]
