"""cryoem resume."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click

from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.jobs.again import ended_job, hand_in, others_into, standing_told
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.homeward.left import LeftInStore
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.regained import Regained
from cryoem_cloud.courier.sending.view import ProjectView, fetched
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.stamp import stamp_of
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.made import made_by

__all__ = ["command"]


@click.command()
@click.argument("number", metavar="ID", type=int, shell_complete=job_numbers)
def command(*, number: int) -> None:
    """Go on with a job that was stopped or has failed, from what it has made."""
    card, project, job = ended_job(number)
    later = (other for other in others_into(card) if other.number > number)
    well = [one.number for one in (card, *later) if one.outcome is Outcome.SUCCESS]
    if well:
        raise UsageError(
            f"job {well[-1]} has ended well, there is nothing to go on with",
            hint="RELION's Continue! goes on with more iterations; "
            f"cryoem retry {well[-1]} runs it again",
        )
    _require_made(job, project, records_of(card))
    new = hand_in(job, project, resumes=number)
    click.echo(f"Submitted batch job {new.number}")
    click.echo(
        f"cryoem: job {new.number} goes on from what job {number} ({card.name}) has made, in "
        f"{', '.join(new.outputs)}\ncryoem: cryoem logs -f {new.number} follows it",
        err=True,
    )
    for line in standing_told(job, project):
        click.echo(f"cryoem: {line}", err=True)


def _require_made(job: Job, project: Project, records: JobRecords) -> None:
    """See to it that the job has made something that it can go on from.

    Raises:
        UsageError: It has not.
    """
    made = made_by(records)
    application = application_named(job.application)
    view = _view(project, records, made)
    if not made or application.resumed(job, job.script, view, made) is None:
        raise UsageError(
            f"there is nothing in the store that job {job.number} can go on from",
            hint=f"cryoem retry {job.number} runs it from the beginning",
        )


def _view(project: Project, records: JobRecords, made: Mapping[str, Entry]) -> Regained:
    """The project as the job's machines would find it."""
    cache = Cache(places().cache / "push.sqlite")  # the courier's is the courier's alone
    cache.refresh(IndexLog(records.store, project.name), project.name)
    left = LeftInStore(records.store, project, cache, application_named)
    view = ProjectView(records.store, project, cache, left)
    return Regained(view, made, partial(_opened, project.folder, records))


def _opened(folder: Path, records: JobRecords, entry: Entry) -> BinaryIO:
    """The bytes of what was made: those at home, where they are the same by size and time."""
    here = folder / entry.path
    with suppress(OSError):
        stamp = stamp_of(here)
        if (stamp.size, stamp.mtime_ns) == (entry.size, entry.mtime_ns):
            return here.open("rb")
    return fetched(records.store, records.project, entry)
