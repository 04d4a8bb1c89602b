"""What `cryoem benchmark` does: measures a standard job, so that later plans know the machine."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from cryoem_cloud.apps.relion.standard import FEWEST, Standard, written
from cryoem_cloud.cli.jobs.submitting import submit_asked
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.measured import HERE, Measured
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.plan import LINE_BYTES_S, Limits, Option, Transfer
from cryoem_cloud.model.project import Project
from cryoem_cloud.planner.choose import choose
from cryoem_cloud.planner.learning import kinds_of
from cryoem_cloud.planner.performance import published, run_s
from cryoem_cloud.planner.terms import terms_in
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.wiring.catalogue import catalogue, region_here
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.storage import prices_at

__all__ = ["FOLDER", "Trial", "begun", "measured", "trials"]

FOLDER = "Benchmark"
"""In the project's folder: particles, and a folder for each run."""
_HUNDRED = 100
_MOST = 100_000
"""Particles; on more the machine is fast enough to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The standard set on one machine type; `option` is what that costs (None: it is this one)."""

    kind: MachineType
    standard: Standard
    option: Option | None = None

    @property
    def here(self) -> bool:
        """Whether it runs on this computer."""
        return self.option is None


def trials(machines: Sequence[str], market: str, seconds: float, project: Project) -> list[Trial]:
    """What is to be measured: this computer, or the machine types that were named.

    Each gets as many particles as are expected to take it so many seconds.

    Raises:
        UsageError: A machine type is not sold there, or cannot do it.
    """
    if not machines:
        kind = MachineType(
            name=platform.node(),
            vcpus=os.cpu_count() or 1,
            threads_per_core=1,
            memory_gib=0.0,
        )
        return [Trial(kind=kind, standard=_sized(kind, seconds))]
    here = places()
    prices = catalogue(here, SystemClock().now(), regions=(region_here(here),))
    known = kinds_of(prices)
    found = []
    for name in dict.fromkeys(machines):
        if name not in known:
            hint = "cryoem offers lists those there are"
            raise UsageError(f"there is no machine type {name!r} there", hint=hint)
        standard = _sized(known[name], seconds)
        plan = choose(
            standard.work,
            prices.listings,
            transfer=Transfer(up_bytes=standard.work.input_bytes, line_bytes_s=LINE_BYTES_S),
            terms=terms_in(prices.regions[0], prices_at(project.store, here).egress_gb),
            rates=published(),
            limits=Limits(kinds=(name,), machines=1, market=Market(market) if market else None),
        )
        if plan.choice is None:
            reasons = [each.why for each in plan.excluded] or [plan.reason]
            raise UsageError(f"{name} cannot be measured: {'; '.join(reasons)}", hint="")
        found.append(Trial(kind=known[name], standard=standard, option=plan.choice))
    return found


def _sized(kind: MachineType, seconds: float) -> Standard:
    one = Standard(particles=_HUNDRED, on_gpus=kind.gpus > 0)
    hundreds = seconds / run_s(one.work, kind, published()).p50
    particles = min(max(ceil(hundreds) * _HUNDRED, FEWEST), _MOST)
    return Standard(particles=particles, on_gpus=one.on_gpus)


def begun(trial: Trial, project: Project) -> Card:
    """Submit it as a job of the project, with its particles made."""
    written(trial.standard, project.folder, FOLDER)
    out = _free(project.folder, f"{FOLDER}/{trial.kind.name}")
    threads = trial.kind.cores if trial.here else 1
    wish = Wish(where=HERE)
    if trial.option is not None:
        hours = ceil(2 * trial.option.paid_h.p90)
        wish = Wish(
            where="aws",
            machine=trial.kind.name,
            market=trial.option.market.value,
            hours=max(hours, 1),
            count=1,
        )
    asked = Asked(
        project=project.folder,
        script=trial.standard.script(FOLDER, out, threads),
        name=out,
        wish=wish,
    )
    return submit_asked(asked, project, places(), ask=True)


def measured(project: Project, job: int) -> Measured | None:
    """What the job has told; None: nothing, as it did not end well in one go."""
    known = Learnt(places().cache / "learnt").known(project.name)
    return next((each for each in known if each.job == job), None)


def _free(project: Path, wanted: str) -> str:
    """That folder, or the first of `…-2`, `…-3` that is not there."""
    number, found = 1, wanted
    while (project / found).exists():
        number += 1
        found = f"{wanted}-{number}"
    return found
