"""What the plan of a job is based on, as far as this computer can tell before it is submitted.

Nothing here opens the store. Who has joined an account has its quotas asked for once a day, where
there is a network.
"""

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.registry import application_for, application_named
from cryoem_cloud.cli.jobs.policy import home_of
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.glance import sizes_known
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.footing import Footing
from cryoem_cloud.model.job import Job, Need
from cryoem_cloud.model.plan import Transfer
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import size_of
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.line import Line, line_by
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Settings
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.footing import footing
from cryoem_cloud.wiring.lines import lines_of

__all__ = ["SCRIPT", "job_of", "line_to", "on_footing", "transfer_of"]

SCRIPT = "run_submit.script"
"""What RELION calls a job's script."""
_SAMPLE = 200
"""Files that are looked at to see how much of the inputs is still to be sent."""


def job_of(asked: Asked, project: Project | None) -> Job:
    """The job that it would be, without a number.

    Raises:
        UsageError: It does not say where it writes.
    """
    application = application_for(asked)
    outputs = application.outputs(asked)
    return Job(
        number=0,
        project=project.name if project is not None else "",
        name=asked.name or outputs[0],
        application=application.name,
        frontend="shell",
        script=asked.script,
        script_path=asked.script_path,
        outputs=outputs,
        logs={},
        log_starts={},
        submitter="",
        submitted_at="",
        wish=asked.wish,
        inputs=asked.inputs,
        cwd=asked.cwd,
        after=asked.after,
        resumes=asked.resumes,
    )


def line_to(store: str, settings: Settings) -> Line:
    """The line as it was measured last, or is assumed; no more than the settings allow."""
    limit = size_of(settings.limit_rate) if settings.limit_rate else None
    return line_by(lines_of(places()).of(store), SystemClock().now(), limit_bytes_s=limit)


def transfer_of(
    job: Job,
    work: Work,
    line: Line,
    *,
    project: Project | None,
    folder: Path,
    settings: Settings,
) -> tuple[Transfer, int]:
    """What is still to be sent, and what comes home. The store of who is in no project is new.

    And how many of the first inputs are not in the folder, nor known here to be in the store.
    """
    share, absent = 1.0, 0
    with suppress(CryoemError):  # what is missing is told when the job is submitted
        needs = application_named(job.application).needs(job, Here(folder))
        share, absent = _to_send(needs, folder, project)
    store = project.store if project is not None else settings.store
    essential = home_of(job.wish.home, settings, store) == "essential"
    transfer = Transfer(
        up_bytes=int(share * work.input_bytes),
        down_bytes=work.essential_bytes if essential else work.output_bytes,
        line_bytes_s=line.up_bytes_s,
        down_bytes_s=line.down_bytes_s,
    )
    return transfer, absent


def on_footing(prices: Catalogue, store: str) -> tuple[Catalogue, tuple[Footing, ...]]:
    """What is sold to the user's accounts, and what these may start; asked of AWS once a day."""
    here, now = places(), SystemClock().now()
    asked = (footing(here, region, now, store=store) for region in prices.regions)
    there = tuple(filter(None, asked))
    for each in there:
        prices = prices.within(each.region, each.zones.values())
    return prices, there


def _to_send(needs: Iterable[Need], folder: Path, project: Project | None) -> tuple[float, int]:
    """Which share of the inputs the store lacks, as far as their first files tell here.

    And how many of these are not here. What a project's folder does not have its store has, or
    nobody; what `push` or a courier found there is there. Lists count for nothing beside images.
    """
    first = [need.path for need in islice(needs, _SAMPLE) if not need.stub]
    images = [path for path in first if not path.endswith((".star", SCRIPT))]
    stored = _in_store(images, project)
    lacking = absent = 0
    for path in images:
        try:
            lacking += (folder / path).stat().st_size not in stored.get(path, ())
        except OSError:
            lacking += project is None
            absent += path not in stored
    return (lacking / len(images) if images else 1.0), absent


def _in_store(named: list[str], project: Project | None) -> dict[str, set[int]]:
    """The sizes of those of the files that the index named when it was last read on this computer.

    `push` and the courier read it, each for itself, one of them later than the other.
    """
    found: dict[str, set[int]] = {}
    if project is not None and named:
        for name in ("push.sqlite", "courier.sqlite"):
            for path, size in sizes_known(places().cache / name, project.name, named).items():
                found.setdefault(path, set()).add(size)
    return found
