"""A published pipeline by the original's own rules.

Hours are fractional and never rounded up. Each step has machines of one type, which are paid while
data moves and while they run, but for the first one: its upload went to the store before its
machines were there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.model.usd import ZERO, cents
from cryoem_cloud.planner.published.pipeline import Pipeline, Step

__all__ = ["Replay", "ReplayedStep", "replayed"]

_ZERO_H = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedStep:
    """What a step took, and what it cost: `usd` to the cent, of which `waiting_usd` for waiting."""

    step: Step
    paid_h: Decimal
    usd: Decimal
    waiting_usd: Decimal

    @property
    def total_h(self) -> Decimal:
        """Moving and running."""
        return self.step.moving_h + self.step.running_h


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """All steps, one after the other, and a month of what is stored."""

    steps: Sequence[ReplayedStep]
    storage_usd: Decimal

    @property
    def moving_h(self) -> Decimal:
        """Hours in which data moved."""
        return sum((each.step.moving_h for each in self.steps), _ZERO_H)

    @property
    def running_h(self) -> Decimal:
        """Hours in which jobs ran."""
        return sum((each.step.running_h for each in self.steps), _ZERO_H)

    @property
    def total_h(self) -> Decimal:
        """Both."""
        return self.moving_h + self.running_h

    @property
    def usd(self) -> Decimal:
        """Of the machines."""
        return sum((each.usd for each in self.steps), ZERO)

    @property
    def waiting_usd(self) -> Decimal:
        """Of machines that waited for data."""
        return sum((each.waiting_usd for each in self.steps), ZERO)

    @property
    def workstation_h(self) -> Decimal:
        """On the workstation, of the steps that have a figure."""
        return sum((each.step.workstation_h or _ZERO_H for each in self.steps), _ZERO_H)


def replayed(pipeline: Pipeline) -> Replay:
    """What the pipeline took and cost."""
    return Replay(
        steps=tuple(map(_replayed, pipeline.steps)),
        storage_usd=cents(pipeline.stored_gb * pipeline.stored_usd_gb_month),
    )


def _replayed(step: Step) -> ReplayedStep:
    waited_h = step.moving_h if step.waits_are_paid else _ZERO_H
    usd_h = step.machines.count * step.machines.usd_h
    return ReplayedStep(
        step=step,
        paid_h=waited_h + step.running_h,
        usd=cents((waited_h + step.running_h) * usd_h),
        waiting_usd=cents(waited_h * usd_h),
    )
