"""One world of those that may be: every range becomes a number, by dice."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, log

from cryoem_cloud.model.spread import Spread
from cryoem_cloud.planner.performance import Rate, Rates
from cryoem_cloud.simulation.inputs import Inputs

__all__ = ["World", "drawn", "world"]

_Z90 = 1.2815515655446004
"""The P90 of the normal distribution with mean 0 and deviation 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is true in one draw; units as in `Inputs`. The rates' ranges are single numbers."""

    link_bytes_per_s: float
    ratio: float
    encoded_bytes_per_s: float
    boot_s: float
    losses_h: float
    spot: float
    turnaround_s: float
    essential_bytes: float
    requests_a_task: float
    rates: Rates

    @property
    def raw_bytes_per_s(self) -> float:
        """Of raw bytes, how many are sent."""
        return min(self.link_bytes_per_s * self.ratio, self.encoded_bytes_per_s)


def drawn(spread: Spread, dice: random.Random) -> float:
    """A number from the range: half of a log-normal distribution on each side of its middle."""
    z = dice.gauss(0, 1)
    end = spread.p90 if z > 0 else spread.p10
    return spread.p50 * exp(abs(z) / _Z90 * log(end / spread.p50))


def world(inputs: Inputs, rates: Rates, dice: random.Random) -> World:
    """A world; the steps' own ranges are drawn where they are used."""
    return World(
        link_bytes_per_s=drawn(inputs.link_bytes_per_s, dice),
        ratio=drawn(inputs.ratio, dice),
        encoded_bytes_per_s=drawn(inputs.encoded_bytes_per_s, dice),
        boot_s=drawn(inputs.boot_s, dice),
        losses_h=drawn(inputs.losses_h, dice),
        spot=drawn(inputs.spot, dice),
        turnaround_s=drawn(inputs.turnaround_s, dice),
        essential_bytes=drawn(inputs.essential_bytes, dice),
        requests_a_task=drawn(inputs.requests_a_task, dice),
        rates=_decided(rates, lambda range_: Spread.exactly(drawn(range_, dice))),
    )


def _decided(rates: Rates, decide: Callable[[Spread], Spread]) -> Rates:
    def rate(each: Rate) -> Rate:
        return replace(each, seconds=decide(each.seconds))

    return replace(
        rates,
        gpus={name: decide(each) for name, each in rates.gpus.items()},
        serial=decide(rates.serial),
        host=decide(rates.host),
        core=decide(rates.core),
        without_avx512=decide(rates.without_avx512),
        programs={name: [rate(each) for each in rows] for name, rows in rates.programs.items()},
    )
