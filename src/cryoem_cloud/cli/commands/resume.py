"""cryoem resume."""

import click

from cryoem_cloud.apps.files import files_below
from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.cli.again import ended_job, hand_in, others_into, standing_told
from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.finding import places
from cryoem_cloud.courier.cache import Cache
from cryoem_cloud.courier.left import LeftInStore
from cryoem_cloud.courier.view import ProjectView
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.view import View
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.wiring.front import store_at

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
    new = hand_in(job, project, _going_on(job, _view(project)))
    click.echo(f"Submitted batch job {new.number}")
    click.echo(
        f"cryoem: job {new.number} goes on with job {number} ({card.name}) in "
        f"{', '.join(new.outputs)}\ncryoem: cryoem show {new.number} has its script, "
        f"cryoem logs -f {new.number} follows it",
        err=True,
    )
    for line in standing_told(job, project):
        click.echo(f"cryoem: {line}", err=True)


def _view(project: Project) -> View:
    store = store_at(project.store)
    cache = Cache(places().cache / "push.sqlite")  # the courier's is the courier's alone
    cache.refresh(IndexLog(store, project.name), project.name)
    left = LeftInStore(store, project, cache, application_named)
    return ProjectView(store, project, cache, left)


def _going_on(job: Job, view: View) -> str:
    """The script that goes on with what is there, at home or in the store.

    Raises:
        UsageError: Nothing is there to go on from.
    """
    made = [path for folder in job.outputs for path in files_below(view, folder)]
    resumed = application_named(job.application).resumed(job, job.script, view, made)
    if resumed is None:
        raise UsageError(
            f"there is nothing in {', '.join(job.outputs)} that job {job.number} can go on from",
            hint=f"cryoem retry {job.number} runs it from the beginning",
        )
    return resumed.script
