"""cryoem adopt."""

import click

from cryoem_cloud.cli.jobs.afar import card_from_store
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.jobs.takeover import take
from cryoem_cloud.cli.showing import state_of
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.courier.start import spool_of, wake
from cryoem_cloud.model.errors import NotFoundError, RefusedError, UsageError
from cryoem_cloud.model.project import Project

__all__ = ["command"]


@click.command(short_help="Bring a job home here that somebody else submitted.")
@click.argument("numbers", metavar="ID…", type=int, nargs=-1, required=True)
def command(*, numbers: tuple[int, ...]) -> None:
    """Bring jobs home here that somebody else submitted, or you on another computer.

    As long as a courier of theirs shows life it keeps the job; then yours takes it over.
    """
    project = the_project()
    for number in numbers:
        click.echo(_adopted(number, project))
    wake(places())


def _adopted(number: int, project: Project) -> str:
    card = card_from_store(project, number)
    if card is None:
        raise NotFoundError(
            f"there is no job {number} in {project.store}",
            hint="cryoem ls lists the project's jobs; one that has just been submitted comes soon",
        )
    if spool_of(places()).holds(card.slip_name):
        raise UsageError(
            f"job {number} is with this computer already", hint=f"cryoem why {number} says more"
        )
    if not card.open and any(ours.project == card.project for ours in cards().of_number(number)):
        raise UsageError(f"job {number} ({card.name}) is home here already: {state_of(card)}")
    if not card.open:
        raise UsageError(
            f"job {number} ({card.name}) is home with who submitted it: {state_of(card)}",
            hint=f"cryoem pull {card.outputs[0]} brings its files here",
        )
    taken = take(card, project, places())
    if taken.why_not:
        raise RefusedError(
            f"job {number} ({card.name}) cannot be taken from {taken.of}: {taken.why_not}",
            hint="see to that, or submit the job yourself",
        )
    if taken.held:
        return (
            f"job {number}  {card.name}  of {taken.of}: their courier has it; it is brought home "
            "here once that shows no life for a minute"
        )
    return f"job {number}  {card.name}  of {taken.of}: is brought home here"
