"""A number that is known within a range only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, hypot, inf, log
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.record import JSON

__all__ = ["Spread", "combined", "summed"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Of ten times it is below `p10` once, above `p90` once; `p50` is as often too low as too high.

    All are above 0 and in ascending order; the unit is in the name of whatever holds it. Each side
    is half of a log-normal distribution of its own, so that ranges may lean.
    """

    p10: float
    p50: float
    p90: float

    def __post_init__(self) -> None:
        if not 0 < self.p10 <= self.p50 <= self.p90 < inf:
            raise ValueError(f"{self} is no range of numbers above 0")

    @classmethod
    def exactly(cls, value: float) -> Self:
        """What is known, or taken for known."""
        return cls(value, value, value)

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> Self:
        """From the keys p10, p50 and p90 of a table.

        Raises:
            FormatError: It has no such numbers, or they are no range.
        """
        try:
            return cls(*(float(fields[key]) for key in ("p10", "p50", "p90")))
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{fields!r} is no range of P10, P50 and P90") from error

    def times(self, factor: float) -> Self:
        """All of it so many times; the factor is above 0."""
        return type(self)(self.p10 * factor, self.p50 * factor, self.p90 * factor)

    def plus(self, more: float) -> Self:
        """All of it and so much more, which is known."""
        return type(self)(self.p10 + more, self.p50 + more, self.p90 + more)

    def at_least(self, least: float) -> Self:
        """What is below `least` raised to it."""
        return type(self)(*(max(value, least) for value in (self.p10, self.p50, self.p90)))


def combined(of: Callable[..., float], *parts: Spread) -> Spread:
    """A function of independent parts.

    Each part alone is moved from its P50 to its P10 and its P90; what the result moves by, as a
    logarithm, goes into a sum of squares, up and down apart. Of products and quotients of
    log-normal parts that is exact. `of` is monotonous in each part and gives a number above 0.
    """
    mids = [part.p50 for part in parts]
    middle = of(*mids)
    down, up = 0.0, 0.0
    for at, part in enumerate(parts):
        ends = (of(*mids[:at], end, *mids[at + 1 :]) for end in (part.p10, part.p90))
        moves = [log(end / middle) for end in ends]
        down, up = hypot(down, min(*moves, 0.0)), hypot(up, max(*moves, 0.0))
    return Spread(middle * exp(-down), middle, middle * exp(up))


def summed(*parts: Spread) -> Spread:
    """What comes one after the other: middles add up, deviations as squares.

    Medians of sums are a little above sums of medians where ranges lean; that is left out.
    """
    middle = sum(part.p50 for part in parts)
    down = hypot(*(part.p50 - part.p10 for part in parts))
    up = hypot(*(part.p90 - part.p50 for part in parts))
    least = sum(part.p10 for part in parts)
    return Spread(max(middle - down, least), middle, middle + up)
