"""What many draws say: quantiles, of all and of each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import TypeVar

from cryoem_cloud.simulation.today import Draw, PlannedStep

__all__ = ["Figures", "Quantiles", "figures_of"]

_N = TypeVar("_N", float, Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Hours and US dollars, each P10, P50 and P90."""

    hours: tuple[float, float, float]
    usd: tuple[Decimal, Decimal, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of all steps together, and of each; how many machines were lost in a draw, on average."""

    whole: Quantiles
    steps: Sequence[tuple[PlannedStep, Quantiles]]
    lost: float
    failed: int


def figures_of(steps: Sequence[PlannedStep], draws: Sequence[Draw]) -> Figures:
    """The quantiles; there is at least one draw."""
    return Figures(
        whole=Quantiles(
            hours=_quantiles([draw.hours for draw in draws]),
            usd=_quantiles([draw.usd for draw in draws]),
        ),
        steps=[
            (
                step,
                Quantiles(
                    hours=_quantiles([draw.step_h[at] for draw in draws]),
                    usd=_quantiles([draw.step_usd[at] for draw in draws]),
                ),
            )
            for at, step in enumerate(steps)
        ],
        lost=sum(draw.lost for draw in draws) / len(draws),
        failed=sum(draw.failed for draw in draws),
    )


def _quantiles(values: Sequence[_N]) -> tuple[_N, _N, _N]:
    """The least that so many of ten do not pass."""
    ordered = sorted(values)
    low, middle, high = (ordered[ceil(p * len(ordered) / 10) - 1] for p in (1, 5, 9))
    return low, middle, high
