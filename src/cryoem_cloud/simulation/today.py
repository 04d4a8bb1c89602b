"""A published pipeline as this program would run it today: planned, then simulated many times.

Plans are made once, from what is expected; worlds are drawn, and each step happens in them on the
planned machines, one step after the other, handed in at once. A step that is planned on one machine
like the one before goes on after it on that machine, as a chain does (decision 0007). The movies
are sent once, and stay in the store; the first step works while they come.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing import get_context

from cryoem_cloud.model.machine_type import Listing
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.plan import Limits, Option, Transfer
from cryoem_cloud.model.storage_prices import GB, StorageClass, StoragePrices
from cryoem_cloud.model.usd import ZERO
from cryoem_cloud.planner.choose import WITHIN, choose
from cryoem_cloud.planner.disk import disk_gib_for
from cryoem_cloud.planner.performance import Rates
from cryoem_cloud.planner.terms import terms_in
from cryoem_cloud.simulation.hall import Machinery, happened
from cryoem_cloud.simulation.inputs import Inputs
from cryoem_cloud.simulation.steps import Step, steps_of
from cryoem_cloud.simulation.world import World, world

__all__ = ["Draw", "Planned", "PlannedStep", "best", "draws_of", "planned"]

_S_AN_H, _H_A_MONTH = 3600, 730
_FEW = 10
"""Draws that are over before other processes have started."""
_FREE_BYTES = 100 * GB
"""Of a month, to the internet; others may have used them."""
_PART_BYTES = 16 * 2**20
"""Of an upload, at least: docs/decisions/0016-the-data-mover.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step and the machines that it has, with the reason."""

    step: Step
    option: Option
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """All steps, in the region of the prices, as expected."""

    steps: Sequence[PlannedStep]
    prices: StoragePrices

    @property
    def hours(self) -> float:
        """P50."""
        return sum(each.option.total_h.p50 for each in self.steps)

    @property
    def usd(self) -> Decimal:
        """P50."""
        return sum((each.option.usd.p50 for each in self.steps), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What happened in one world: hours of each step and in all; US dollars likewise.

    `lost` machines were taken away. It has `failed` where a step was given up.
    """

    step_h: Sequence[float]
    step_usd: Sequence[Decimal]
    hours: float
    usd: Decimal
    lost: int
    failed: bool


def planned(
    inputs: Inputs,
    listings: Sequence[Listing],
    *,
    prices: StoragePrices,
    rates: Rates,
    market: Market,
) -> Planned | None:
    """The plan in the region of these listings; None where a step cannot be done there."""
    steps = []
    for step in steps_of(inputs):
        plan = choose(
            step.work,
            listings,
            transfer=_transfer(step, inputs),
            terms=terms_in(prices.region, prices.egress_usd(GB, before=_FREE_BYTES)),
            rates=step.rates(rates),
            limits=Limits(market=market),
        )
        if plan.choice is None:
            return None
        steps.append(PlannedStep(step=step, option=plan.choice, reason=plan.reason))
    return Planned(steps=steps, prices=prices)


def best(plans: Sequence[Planned]) -> Planned:
    """The region to begin in: the cheapest of those that are about as fast as the fastest."""
    fastest = min(each.hours for each in plans)
    near = [each for each in plans if each.hours <= WITHIN * fastest]
    return min(near, key=lambda each: (each.usd, each.prices.region))


def _transfer(step: Step, inputs: Inputs) -> Transfer:
    sent = inputs.bytes / inputs.ratio.p50 if step.movie_bytes else 0
    home = inputs.essential_bytes.p50 / len(inputs.steps)
    line = inputs.link_bytes_per_s.p50
    return Transfer(up_bytes=int(sent), down_bytes=int(home), line_bytes_s=line)


def draws_of(
    plan: Planned, inputs: Inputs, rates: Rates, *, seed: int, draws: int
) -> tuple[Draw, ...]:
    """The plan in so many worlds, on all cores; the same seed gives the same."""
    table = _Table(plan, inputs, rates, seed)
    if draws < _FEW:
        return tuple(map(table.draw, range(draws)))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return tuple(pool.map(table.draw, range(draws), chunksize=5))


@dataclass(frozen=True, slots=True)
class _Table:
    """What all draws have in common."""

    plan: Planned
    inputs: Inputs
    rates: Rates
    seed: int

    def draw(self, number: int) -> Draw:
        """The draw of that number."""
        dice = random.Random(f"{self.seed}/{number}")  # noqa: S311  (no secret)
        return _draw(self.plan, world(self.inputs, self.rates, dice), self.rates, dice)


def _draw(plan: Planned, true: World, rates: Rates, dice: random.Random) -> Draw:
    hours, costs, lost, failed = [], [], 0, False
    before: PlannedStep | None = None
    for each in plan.steps:
        option, spot = each.option, each.option.market is Market.SPOT
        goes_on = before is not None and _goes_on(before, each)
        todo = each.step.todo(option, true, dice, planned=rates)
        machinery = Machinery(
            count=option.machines,
            boot_s=true.boot_s,
            is_up=goes_on,
            losses_h=true.losses_h if spot else 0.0,
        )
        went = happened(todo, machinery, dice)
        turnaround_s = 0.0 if goes_on else true.turnaround_s
        hours.append((went.end_s + turnaround_s) / _S_AN_H)
        before = each
        machine_h = Decimal(went.machine_s / _S_AN_H)
        tasks = len(todo.pieces) + 1
        costs.append(
            machine_h * _usd_h(each, plan.prices, true)
            + _requests_usd(tasks, each, true, plan.prices)
        )
        lost, failed = lost + went.lost, failed or went.failed
    egress = plan.prices.egress_usd(int(true.essential_bytes), before=_FREE_BYTES)
    home_h = true.essential_bytes / true.link_bytes_per_s / _S_AN_H
    return Draw(
        step_h=hours,
        step_usd=costs,
        hours=sum(hours) + home_h,
        usd=sum(costs, ZERO) + egress,
        lost=lost,
        failed=failed,
    )


def _goes_on(before: PlannedStep, step: PlannedStep) -> bool:
    """Whether the machine of the step before goes on with a step."""
    first, second = before.option, step.option
    same = (first.listing, first.market) == (second.listing, second.market)
    return same and first.machines == second.machines == 1 and not step.step.work.divisible


def _usd_h(each: PlannedStep, prices: StoragePrices, true: World) -> Decimal:
    """Of one machine with its disk."""
    option = each.option
    price = option.listing.price.of(option.market)
    if price is None:
        raise ValueError(f"{option.name} has no price")
    if option.market is Market.SPOT:
        price *= Decimal(true.spot)
    return price + prices.gp3_gb_month * _disk_gib(each) / _H_A_MONTH


def _disk_gib(each: PlannedStep) -> int:
    """As machines get it: by what the largest task reads, and the next one."""
    step = each.step
    tasks = step.work.items if step.work.divisible else 1
    return disk_gib_for(step.inputs.input_bytes // tasks)


def _requests_usd(tasks: int, each: PlannedStep, true: World, prices: StoragePrices) -> Decimal:
    """All are taken for the dear kind."""
    sent = each.step.inputs.input_bytes / true.ratio if each.step.movie_bytes else 0.0
    requests = tasks * true.requests_a_task + sent / _PART_BYTES
    return Decimal(requests) / 1000 * prices.classes[StorageClass.STANDARD].writes_1000
