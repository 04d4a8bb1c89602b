"""Handing in once more a job that has ended."""

import posixpath
from collections.abc import Iterator
from dataclasses import replace

from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.jobs.consenting import agreed
from cryoem_cloud.cli.jobs.finding import cards, find
from cryoem_cloud.cli.jobs.policy import home_of
from cryoem_cloud.cli.jobs.submitting import wake_for
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.courier.submit import submit
from cryoem_cloud.frontends.pipeline import FINISHED, ended_as
from cryoem_cloud.frontends.registry import frontend_named
from cryoem_cloud.frontends.relion import RelionFrontend
from cryoem_cloud.model.errors import NotFoundError, ObjectMissingError, UsageError
from cryoem_cloud.model.job import Job, Wish
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Settings, environment, submitters_environment
from cryoem_cloud.wiring.front import counter

__all__ = ["ended_job", "hand_in", "others_into", "standing_told"]


def ended_job(number: int) -> tuple[Card, Project, Job]:
    """A job of this project that has ended, as it was submitted.

    Raises:
        UsageError: It has not ended, is of another project, or its folder is another job's now.
        NotFoundError: The store knows nothing of it.
    """
    card = find(number)
    if card.open:
        raise UsageError(
            f"job {number} has not ended", hint=f"cryoem stop {number}, then try again"
        )
    project = the_project()
    if project.name != card.project:
        raise UsageError(f"job {number} belongs to {card.folder}", hint="go there first")
    if busy := [other.number for other in others_into(card) if other.open]:
        raise UsageError(
            f"job {busy[-1]} works in {card.outputs[0]} now",
            hint=f"cryoem stop {busy[-1]}, then try again",
        )
    try:
        return card, project, records_of(card).job()
    except ObjectMissingError as error:
        raise NotFoundError(
            f"nothing of job {number} has reached the store", hint="submit it as you did before"
        ) from error


def others_into(card: Card) -> list[Card]:
    """The other jobs of a job's project that this computer knows to write where it does."""
    there = (other for other in cards().all() if other.project == card.project)
    return [c for c in there if c.number != card.number and c.outputs[0] == card.outputs[0]]


def hand_in(job: Job, project: Project, *, resumes: int = 0) -> Card:
    """Submit a job anew, the same script into the same folders; its new card.

    With `resumes` it goes on from what the job of that number has made.
    """
    wish = _wish(job, project)
    settings = Settings.read(places(), project.folder, environment())
    asked = Asked(
        project=project.folder,
        script=job.script,
        script_path=job.script_path,
        cwd=posixpath.normpath(job.cwd),
        inputs=job.inputs,
        outputs=job.outputs,
        resumes=resumes,
        wish=wish,
    )
    consent = agreed(asked, project, settings, places())
    new = submit(
        counter(places(), project.store),
        asked,
        project=project,
        application=application_named(job.application),
        frontend=frontend_named(job.frontend),
        environment=submitters_environment(environment()),
    )
    if consent:
        spool_of(places()).approve(new.slip_name)
    wake_for(new, places())
    return new


def standing_told(job: Job, project: Project) -> Iterator[str]:
    """What to do about RELION's own list of jobs, which knows nothing of this one's new run."""
    if job.frontend != RelionFrontend.name:
        return
    folder = job.outputs[0]
    ended = ended_as(project.folder, folder)
    if ended is None:
        trash = project.folder / RelionFrontend.trash / folder
        where = f", and has moved {folder} to Trash" if trash.exists() else ""
        yield (
            f"RELION does not list {folder} any more{where}: "
            "Jobs > Undelete job(s) in its window takes a deleted one back"
        )
    elif ended not in {"", FINISHED}:
        yield (
            f"RELION goes on showing {folder} as {ended}: once this has ended well, choose it in "
            "RELION's window, and under Job actions: Mark as finished"
        )


def _wish(job: Job, project: Project) -> Wish:
    """The job's own, without its door: who asked for that may be at another address now.

    What comes home is chosen for a job from before there was a choice; the codec is today's.
    """
    settings = Settings.read(places(), project.folder, environment())
    home = home_of(job.wish.home, settings, project.store)
    return replace(job.wish, home=home, codec=settings.codec, door=None)
