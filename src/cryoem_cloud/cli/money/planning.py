"""What `cryoem plan` asks before it plans: the script, its work, what is to be moved, the prices.

Offline: nothing here opens the store, and the cache of prices is only read.
"""

import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path

from cryoem_cloud.apps.directives import paths, wish
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.registry import application_for
from cryoem_cloud.cli.jobs.policy import home_of
from cryoem_cloud.cli.standing import current_project, places
from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.model.errors import CryoemError, NotFoundError, UsageError
from cryoem_cloud.model.job import Job, Need, Wish
from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.measured import HERE, Measured
from cryoem_cloud.model.offer import MARKETS, Market
from cryoem_cloud.model.plan import LINE_BYTES_S, Limits, Plan, Terms, Transfer
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.units import size_of
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.choose import choose
from cryoem_cloud.planner.disk import MOST_DISK_GIB
from cryoem_cloud.planner.learning import computer, jobs_behind, kinds_of, taught
from cryoem_cloud.planner.performance import Rates, run_s, why_unknown
from cryoem_cloud.planner.terms import terms_in
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Settings, environment
from cryoem_cloud.stores.egress import egress_usd_per_gb
from cryoem_cloud.wiring.catalogue import catalogue, region_here
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["ANY", "Choices", "Planned", "planned"]

ANY = "any"
_SCRIPT = "run_submit.script"
_JOB_FOLDER = re.compile(r"job\d{3,}")
_HOUR_S = 3600
_SAMPLE = 200
"""Files that are looked at to see how much of the inputs is still to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user typed; "" and None: nothing. `line_bytes_s` 0: as the settings say."""

    deadline_h: float | None = None
    budget_usd: Decimal | None = None
    region: str = ""
    market: str = ""
    machine: str = ""
    count: int = 0
    line_bytes_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what it was made of. `on_processors` is one for the same work without GPUs.

    `here_s` is what this computer would take for it, in seconds, where finished jobs have told.
    """

    job: Job
    work: Work
    transfer: Transfer
    prices: Catalogue
    plan: Plan
    rates: Rates
    on_processors: Plan | None = None
    here_s: Spread | None = None

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
    job = _job(_script(target), folder, found)
    application = application_for(_asked(job, folder))
    view = Here(folder)
    work = application.work(job, view) or Work(program=Program.OTHER)
    share = 1.0
    with suppress(CryoemError):  # what is missing is told when the job is submitted
        share = _to_send(application.needs(job, view), folder, found)
    store = found.store if found is not None else settings.store
    home = home_of(job.wish.home, settings, store)
    transfer = Transfer(
        up_bytes=int(share * work.input_bytes),
        down_bytes=work.essential_bytes if home == "essential" else work.output_bytes,
        line_bytes_s=choices.line_bytes_s or _line(settings),
    )
    prices = _prices(choices, found)
    learnt = Learnt(places().cache / "learnt").known(found.name) if found is not None else ()
    rates = taught(learnt, kinds_of(prices))
    ground = _Ground(
        prices=prices,
        transfer=transfer,
        terms=terms_in(prices.regions[0], egress_usd_per_gb(store, env=environment())),
        rates=rates,
        limits=_limits(choices, job.wish, prices),
    )
    return Planned(
        job=job,
        work=work,
        transfer=transfer,
        prices=prices,
        plan=ground.plan(work),
        rates=rates,
        on_processors=ground.on_processors(work),
        here_s=_here_s(work, learnt, rates),
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
    script = target / _SCRIPT if target.is_dir() else target
    if not script.is_file():
        hint = "a job's folder has it once RELION has submitted the job to a queue"
        raise NotFoundError(f"there is no script {script}", hint=hint)
    return script


def _job(path: Path, folder: Path, project: Project | None) -> Job:
    """The job that the script would be, without a number."""
    script = path.read_bytes().decode("utf-8", "surrogateescape")
    resolved = path.resolve()
    inside = resolved.is_relative_to(folder)
    asked = Asked(
        project=folder,
        script=script,
        script_path=str(resolved.relative_to(folder)) if inside else "",
        inputs=paths(script, "in"),
        outputs=paths(script, "out"),
        wish=wish(script),
    )
    application = application_for(asked)
    outputs = application.outputs(asked)
    return Job(
        number=0,
        project=project.name if project is not None else "",
        name=outputs[0],
        application=application.name,
        frontend="shell",
        script=script,
        script_path=asked.script_path,
        outputs=outputs,
        logs={},
        log_starts={},
        submitter="",
        submitted_at="",
        wish=asked.wish,
        inputs=asked.inputs,
    )


def _asked(job: Job, folder: Path) -> Asked:
    return Asked(
        project=folder, script=job.script, script_path=job.script_path, outputs=job.outputs
    )


def _to_send(needs: Iterable[Need], folder: Path, project: Project | None) -> float:
    """Which share of the inputs the store lacks, as far as their first files tell here.

    What a project's folder does not have its store has, or nobody; what `push` found there is
    there. Lists count for nothing beside images.
    """
    first = [need.path for need in islice(needs, _SAMPLE) if not need.stub]
    images = [path for path in first if not path.endswith((".star", _SCRIPT))]
    stored = _in_store(images, project)
    lacking = 0
    for path in images:
        try:
            lacking += stored.get(path) != (folder / path).stat().st_size
        except OSError:
            lacking += project is None
    return lacking / len(images) if images else 1.0


def _in_store(named: list[str], project: Project | None) -> dict[str, int]:
    """The sizes of those of the files that the index named when `push` last read it."""
    file = places().cache / "push.sqlite"
    if project is None or not named or not file.exists():
        return {}
    from cryoem_cloud.courier.known.cache import Cache  # noqa: PLC0415  (only where there is one)

    entries = Cache(file).entries(project.name, named)
    return {path: entry.size for path, entry in entries.items()}


def _line(settings: Settings) -> float:
    return size_of(settings.limit_rate) if settings.limit_rate else LINE_BYTES_S


def _prices(choices: Choices, project: Project | None) -> Catalogue:
    here = places()
    regions = () if choices.region == ANY else (choices.region or region_here(here),)
    folder = project.folder if project is not None else None
    return catalogue(here, SystemClock().now(), regions=regions, project=folder)


def _limits(choices: Choices, asked: Wish, prices: Catalogue) -> Limits:
    """What was typed goes before what the script says."""
    market = choices.market or asked.market
    if market and market not in MARKETS:
        raise UsageError(f"there is no market {market!r}", hint=f"known are {', '.join(MARKETS)}")
    words = (choices.machine or asked.machine).split(",")
    kinds = tuple(word.strip() for word in words if word.strip())
    known = {listing.kind.name for listing in prices.listings}
    for kind in kinds:
        if kind not in known:
            hint = "cryoem offers lists those there are"
            raise UsageError(f"there is no machine type {kind!r} there", hint=hint)
    return Limits(
        deadline_h=choices.deadline_h or asked.deadline_s / _HOUR_S or None,
        budget_usd=choices.budget_usd or asked.budget_usd or None,
        market=Market(market) if market else None,
        kinds=kinds,
        machines=choices.count or asked.count or None,
        disk_gib=MOST_DISK_GIB,
    )


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
