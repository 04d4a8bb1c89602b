"""What `cryoem plan` asks before it plans: the script, its work, what is to be moved, the prices.

Offline: nothing here opens the store, and the cache of prices is only read. Who has joined an
account has its quotas asked for once a day, where there is a network.
"""

import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from cryoem_cloud.apps.directives import paths, wish
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.registry import application_for
from cryoem_cloud.cli.jobs.grounds import SCRIPT, job_of, line_to, on_footing, transfer_of
from cryoem_cloud.cli.standing import current_project, places
from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.model.errors import NotFoundError, UsageError
from cryoem_cloud.model.footing import Footing
from cryoem_cloud.model.job import Job, Wish
from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.measured import HERE, Measured
from cryoem_cloud.model.offer import MARKETS
from cryoem_cloud.model.plan import Limits, Plan, Terms, Transfer
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.units import human_size
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.choose import choose
from cryoem_cloud.planner.decide import fixed_count, limits_of
from cryoem_cloud.planner.learning import computer, jobs_behind, kinds_of, taught
from cryoem_cloud.planner.line import Line
from cryoem_cloud.planner.performance import Rates, run_s, why_unknown
from cryoem_cloud.planner.terms import terms_in
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Settings, environment
from cryoem_cloud.wiring.catalogue import catalogue, region_here
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.storage import prices_at

__all__ = ["ANY", "Choices", "Planned", "planned"]

ANY = "any"
_JOB_FOLDER = re.compile(r"job\d{3,}")
_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user typed; "" and None: nothing. `line_bytes_s` 0: as the settings say."""

    deadline_h: float | None = None
    budget_usd: Decimal | None = None
    region: str = ""
    market: str = ""
    machine: str = ""
    count: int = 0
    max_machines: int = 0
    line_bytes_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what it was made of. `on_processors` is one for the same work without GPUs.

    `footing` is what the user's accounts may start in its regions, where anybody knows; `line` how
    fast the line is, and how that is known. `absent` says how many of its first inputs are not in
    the folder, nor known here to be in the store.
    `here_s` is what this computer would take for it, in seconds, where finished jobs have told.
    """

    job: Job
    work: Work
    transfer: Transfer
    prices: Catalogue
    plan: Plan
    rates: Rates
    on_processors: Plan | None = None
    footing: tuple[Footing, ...] = ()
    line: str = ""
    here_s: Spread | None = None
    absent: int = 0

    def jobs_behind(self, kind: MachineType) -> int:
        """How many finished jobs have told what the work takes on such machines."""
        return jobs_behind(self.work, kind, self.rates)


def planned(target: Path, choices: Choices) -> Planned:
    """The plan for a script, or for a job's folder with one in it.

    Raises:
        NotFoundError: There is no such script.
        UsageError: It does not say where it writes, or nothing is sold as the user wants it.
        What Application.work raises.
    """
    found = current_project()
    folder = found.folder if found is not None else _top(target)
    settings = Settings.read(places(), found.folder if found else None, environment())
    asked = _asked(_script(target), folder)
    application, job = application_for(asked), job_of(asked, found)
    work = application.work(job, Here(folder)) or Work(program=Program.OTHER)
    store = found.store if found is not None else settings.store
    line = _line(choices, settings, store)
    transfer, absent = transfer_of(job, work, line, project=found, folder=folder, settings=settings)
    prices, there = on_footing(_prices(choices, found), store)
    allowances = tuple(each for footing in there for each in footing.allowances)
    limits = _limits(choices, job.wish, settings, prices)
    learnt = Learnt(places().cache / "learnt").known(found.name) if found is not None else ()
    rates = taught(learnt, kinds_of(prices))
    ground = _Ground(
        prices=prices,
        transfer=transfer,
        terms=terms_in(prices.regions[0], prices_at(store, places()).egress_gb),
        limits=replace(limits, allowances=allowances),
        rates=rates,
    )
    return Planned(
        job=job,
        work=work,
        transfer=transfer,
        prices=prices,
        plan=ground.plan(work),
        rates=rates,
        on_processors=ground.on_processors(work),
        footing=there,
        line=line.told,
        here_s=_here_s(work, learnt, rates),
        absent=absent,
    )


def _here_s(work: Work, learnt: Iterable[Measured], rates: Rates) -> Spread | None:
    """What this computer takes, if jobs have run on it."""
    name = platform.node()
    ours = [each for each in learnt if (each.where, each.kind) == (HERE, name)]
    if not ours:
        return None
    kind = computer(ours[-1])
    known = jobs_behind(work, kind, rates) and not why_unknown(work, kind, rates)
    return run_s(work, kind, rates) if known else None


def _top(target: Path) -> Path:
    """Where paths count from, if in no project of ours: of a job's folder, RELION's project."""
    place = target.resolve()
    return place.parents[1] if _JOB_FOLDER.fullmatch(place.name) else Path.cwd().resolve()


def _script(target: Path) -> Path:
    """The script's file."""
    script = target / SCRIPT if target.is_dir() else target
    if not script.is_file():
        hint = "a job's folder has it once RELION has submitted the job to a queue"
        raise NotFoundError(f"there is no script {script}", hint=hint)
    return script


def _asked(path: Path, folder: Path) -> Asked:
    """What somebody who hands in the script asks."""
    script = path.read_bytes().decode("utf-8", "surrogateescape")
    resolved = path.resolve()
    inside = resolved.is_relative_to(folder)
    return Asked(
        project=folder,
        script=script,
        script_path=str(resolved.relative_to(folder)) if inside else "",
        inputs=paths(script, "in"),
        outputs=paths(script, "out"),
        wish=wish(script),
    )


def _line(choices: Choices, settings: Settings, store: str) -> Line:
    if typed := choices.line_bytes_s:
        return Line(up_bytes_s=typed, down_bytes_s=typed, told=f"{human_size(typed)}/s, as you say")
    return line_to(store, settings)


def _prices(choices: Choices, project: Project | None) -> Catalogue:
    here = places()
    regions = () if choices.region == ANY else (choices.region or region_here(here),)
    folder = project.folder if project is not None else None
    return catalogue(here, SystemClock().now(), regions=regions, project=folder)


def _limits(choices: Choices, asked: Wish, settings: Settings, prices: Catalogue) -> Limits:
    """What was typed goes before what the script says, and that before the settings."""
    market = choices.market or asked.market
    if market and market not in MARKETS:
        raise UsageError(f"there is no market {market!r}", hint=f"known are {', '.join(MARKETS)}")
    typed = replace(
        asked,
        market=market,
        machine=choices.machine or asked.machine,
        count=choices.count or asked.count,
        max_machines=choices.max_machines or asked.max_machines,
        deadline_s=round((choices.deadline_h or 0) * _HOUR_S) or asked.deadline_s,
        budget_usd=choices.budget_usd or asked.budget_usd,
    )
    limits = limits_of(
        typed, count=fixed_count(typed, settings.count), most=settings.max_machines, whole=False
    )
    known = {listing.kind.name for listing in prices.listings}
    for kind in limits.kinds:
        if kind not in known:
            hint = "cryoem offers lists those there are"
            raise UsageError(f"there is no machine type {kind!r} there", hint=hint)
    return limits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """All that a plan depends on but the work."""

    prices: Catalogue
    transfer: Transfer
    terms: Terms
    limits: Limits
    rates: Rates

    def plan(self, work: Work) -> Plan:
        """The plan for a work."""
        return choose(
            work,
            self.prices.listings,
            transfer=self.transfer,
            terms=self.terms,
            rates=self.rates,
            limits=self.limits,
        )

    def on_processors(self, work: Work) -> Plan | None:
        """For the same with --cpu instead of --gpu; None where that is no question."""
        if not work.on_gpus or self.limits.kinds:
            return None
        return self.plan(replace(work, on_gpus=False, on_vectors=True))
