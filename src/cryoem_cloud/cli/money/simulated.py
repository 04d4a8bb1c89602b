"""`cryoem plan --pipeline …`: what a published pipeline would take and cost today."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.cli.showing import table
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.model.usd import cents, dollars
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.planner.performance import published as rates_of
from cryoem_cloud.planner.published import Pipeline
from cryoem_cloud.simulation.figures import Figures, Quantiles, figures_of
from cryoem_cloud.simulation.inputs import Inputs, inputs_of
from cryoem_cloud.simulation.today import Planned, PlannedStep, best, draws_of, planned

__all__ = ["DRAWS", "Simulated", "simulated"]

DRAWS = 100
_GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A pipeline, its plan, and what became of it in so many draws."""

    pipeline: Pipeline
    inputs: Inputs
    market: Market
    seed: int
    draws: int
    plan: Planned
    figures: Figures

    @property
    def stored_bytes(self) -> int:
        """Of the movies, made smaller."""
        return int(self.inputs.bytes / self.inputs.ratio.p50)

    @property
    def storage_usd_month(self) -> Decimal:
        """What these cost."""
        return self.plan.prices.month_usd(self.stored_bytes, StorageClass.STANDARD)

    def to_json(self) -> Mapping[str, JSON]:
        """For programs: hours and US dollars as numbers."""
        return {
            "pipeline": self.pipeline.name,
            "snapshot": tables.DAY,
            "inputs": self.inputs.day,
            "market": self.market.value,
            "region": self.plan.prices.region,
            "seed": self.seed,
            "draws": self.draws,
            **_numbers(self.figures.whole),
            "storage_usd_month": float(cents(self.storage_usd_month)),
            "lost_machines": self.figures.lost,
            "failed": self.figures.failed,
            "steps": [
                {**_machines(step), **_numbers(spread)} for step, spread in self.figures.steps
            ],
        }

    def to_text(self) -> str:
        """For people: a row a step, and the sums."""
        head = ("STEP", "MACHINES", "HOURS", "P90", "USD", "P90")
        rows = [
            (step.step.inputs.name, step.option.name, *_words(spread))
            for step, spread in self.figures.steps
        ]
        whole = self.figures.whole
        rows.append(("All", "", *_words(whole)))
        market = "Spot" if self.market is Market.SPOT else "on-demand"
        said = (
            f"{self.draws} draws with seed {self.seed}; prices of {tables.DAY}, assumptions of "
            f"{self.inputs.day}; {market} in {self.plan.prices.region}"
        )
        store = (
            f"The movies in the store, {self.stored_bytes / _GB:,.0f} GB once they are made "
            f"smaller: {dollars(self.storage_usd_month)} a month beside this."
        )
        title = f"{self.pipeline.title}, as it would run today"
        lines = [title, said, "", table(head, rows), "", _sentence(whole), store]
        return "\n".join(lines)


def simulated(
    pipeline: Pipeline, *, market: Market, region: str, seed: int, draws: int = DRAWS
) -> Simulated:
    """Plan and simulate; a region of "any" is the one that the plan finds best.

    Raises:
        UsageError: There is no such region, or a step cannot be done there.
    """
    inputs, rates = inputs_of(pipeline.name), rates_of()
    regions = tables.REGIONS if region == "any" else (region,)
    plans = [
        planned(
            inputs,
            tables.listings(each),
            prices=tables.storage_prices(each),
            rates=rates,
            market=market,
        )
        for each in regions
    ]
    found = [plan for plan in plans if plan]
    if not found:
        raise UsageError(f"{region} has no machines for every step of {pipeline.title}")
    plan = best(found)
    happened = draws_of(plan, inputs, rates, seed=seed, draws=draws)
    return Simulated(
        pipeline=pipeline,
        inputs=inputs,
        market=market,
        seed=seed,
        draws=draws,
        plan=plan,
        figures=figures_of(plan.steps, happened),
    )


def _machines(step: PlannedStep) -> Mapping[str, JSON]:
    option = step.option
    return {
        "name": step.step.inputs.name,
        "machine": option.listing.kind.name,
        "count": option.machines,
        "reason": step.reason,
    }


def _numbers(spread: Quantiles) -> Mapping[str, JSON]:
    names = ("p10", "p50", "p90")
    hours = {f"{name}_h": round(h, 3) for name, h in zip(names, spread.hours, strict=True)}
    usd = {f"{name}_usd": float(cents(u)) for name, u in zip(names, spread.usd, strict=True)}
    return {**hours, **usd}


def _words(spread: Quantiles) -> tuple[str, str, str, str]:
    hours, usd = spread.hours, spread.usd
    return f"{hours[1]:.2f}", f"{hours[2]:.2f}", f"{usd[1]:.2f}", f"{usd[2]:.2f}"


def _sentence(whole: Quantiles) -> str:
    return (
        f"As often more as less than {whole.hours[1]:.1f} h and {dollars(whole.usd[1])}; nine "
        f"times of ten at most {whole.hours[2]:.1f} h, and at most {dollars(whole.usd[2])}."
    )
