"""The jobs that a new one is to go on after, as --after names them."""

from collections.abc import Sequence

from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.model.errors import NotFoundError, UsageError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.project import Project

__all__ = ["numbers", "require_before"]


def numbers(words: str) -> tuple[int, ...]:
    """The job numbers in a list with commas.

    Raises:
        UsageError: One is no number.
    """
    found = [word.strip() for word in words.split(",") if word.strip()]
    for word in found:
        if not (word.isascii() and word.isdigit()):
            raise UsageError(f"{word!r} is no job's number", hint="--after 12, or --after 12,13")
    return tuple(map(int, found))


def require_before(after: Sequence[int], cards: Cards, project: Project) -> None:
    """See to it that a job may go on after these, by what this computer knows.

    Raises:
        NotFoundError: There is no such job of the project's here.
        UsageError: One has ended, and not well.
    """
    for number in after:
        _require_well(_card(number, cards, project))


def _card(number: int, cards: Cards, project: Project) -> Card:
    for card in cards.of_number(number):
        if card.project == project.name:
            return card
    raise NotFoundError(
        f"--after {number}: this computer knows no job {number} of the project {project.name}",
        hint="cryoem ls lists the project's jobs; only those submitted from here can be named",
    )


def _require_well(card: Card) -> None:
    if card.exit is not None and card.exit.outcome is not Outcome.SUCCESS:
        word = "failed" if card.exit.outcome is Outcome.FAILURE else "was stopped"
        raise UsageError(
            f"--after {card.number}: that job ({card.name}) {word}",
            hint=f"cryoem retry {card.number} submits it again; go on after that one",
        )
