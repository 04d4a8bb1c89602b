"""From a number to the job that the user means."""

from cryoem_cloud.cli.jobs.afar import card_from_store
from cryoem_cloud.cli.standing import current_project, places
from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.model.errors import (
    FormatError,
    NotFoundError,
    RefusedError,
    StoreError,
    UsageError,
)
from cryoem_cloud.model.project import Project

__all__ = ["cards", "find"]


def cards() -> Cards:
    """This computer's cards."""
    return Cards(places().state / "jobs")


def find(number: int) -> Card:
    """The job of that number, as this computer or else the current project's store knows it.

    Raises:
        NotFoundError: There is none.
        UsageError: Several stores have such a job, and none is the current project's.
    """
    found = cards().of_number(number)
    try:
        project = current_project()
    except (
        UsageError,
        FormatError,
        RefusedError,
    ):  # the folder does not tell; the number may say enough
        if len(found) != 1:
            raise
        return found[0]
    if project is not None:
        mine = [card for card in found if card.project == project.name]
        # A number is given once in a store: who has a card of this store's has no other.
        if not mine and all(card.store != project.store for card in found):
            mine = _afar(project, number, certain=not found)
        if mine:
            return mine[0]
    if len(found) > 1:
        rows = "; ".join(f"{card.name} in {card.folder}" for card in found)
        raise UsageError(
            f"several stores have a job {number}: {rows}", hint="go to the project's folder"
        )
    if not found:
        raise NotFoundError(f"there is no job {number}", hint="cryoem ls --all lists all jobs")
    return found[0]


def _afar(project: Project, number: int, *, certain: bool) -> list[Card]:
    """The project's job of that number that another computer submitted, if there is one."""
    try:
        card = card_from_store(project, number)
    except StoreError:
        if certain:
            raise
        return []
    return [card] if card else []
