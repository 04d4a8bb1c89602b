"""Takes jobs over that somebody else's courier was to bring home, or this user's elsewhere."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cryoem_cloud.cli.jobs.afar import after_words, cards_from_store
from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.courier.known.logs import log_sizes
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.paths import normal
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.turn import Standing, standing
from cryoem_cloud.settings import Places, environment, own_umask, submitters_environment
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.wiring.stores import store_at

__all__ = ["Taken", "take", "take_over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A job that was looked at. `of` is its submitter.

    `held` says that another courier has it, and keeps it as long as it shows life; `why_not` why
    the job was left to that one for good.
    """

    number: int
    name: str
    of: str
    held: bool = False
    why_not: str = ""


def take_over(project: Project, places: Places) -> Iterator[Taken]:
    """Spool every job of the project that is not home and that this computer has no card of."""
    cards = Cards(places.state / "jobs")
    known = frozenset(card.number for card in cards.all() if card.project == project.name)
    for card in cards_from_store(project, known=known):
        if card.open:
            yield take(card, project, places)


def take(card: Card, project: Project, places: Places) -> Taken:
    """Spool a job that is not home, whoever submitted it; `card` is as the store tells of it.

    The other courier keeps a job as long as it shows life: the store decides who delivers. A job
    whose inputs are still on the other computer is left to it, as nobody else can send them.
    """
    records = JobRecords(store_at(project.store), project.name, card.number)
    job = records.job()
    taken = Taken(number=card.number, name=card.name, of=job.submitter)
    if not records.ready().whole:
        waits = f"it goes on {after_words(job)}, and no machine has come to it yet"
        return replace(
            taken,
            why_not=waits if job.after else f"its inputs are still with {job.submitter}",
        )
    here = _as_here(job, project.folder)
    closed = [out for out in job.outputs if not os.access(project.folder / out, os.W_OK | os.X_OK)]
    if closed:
        return replace(taken, why_not=f"you may not write into {project.folder / closed[0]}")
    starts = (here.log_starts["out"], here.log_starts["err"])
    Cards(places.state / "jobs").write(replace(card, log_starts=starts))
    spool_of(places).add(
        Slip(
            job=job,
            here=here,
            project=project,
            environment=submitters_environment(environment()),
            umask=own_umask(),
        )
    )
    return replace(taken, held=standing(records.deliveries().read()) is Standing.HELD)


def _as_here(job: Job, folder: Path) -> Job:
    """The job with what is in this computer's folder, which is made if need be.

    Where both computers see one folder, that is what it was at submission.
    """
    outputs = [folder / normal(output) for output in job.outputs]
    for output in outputs:
        output.mkdir(parents=True, exist_ok=True)
    inode = outputs[0].stat().st_ino
    if inode == job.folder_inode:
        return job
    logs = {name: normal(path) for name, path in job.logs.items()}
    return replace(job, folder_inode=inode, log_starts=log_sizes(folder, logs))
