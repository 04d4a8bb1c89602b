"""Sees to it that no machine outlives its job, and that nothing is kept of those that are gone."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.chains import before
from cryoem_cloud.courier.known.tokens import fleets_of
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.ports.provider import Provider

__all__ = ["sweep"]

_LEAVE = timedelta(minutes=1)
"""What a machine gets to leave by itself after its job has ended."""
_KEEP = timedelta(days=7)
"""How long the boot logs of a job that failed are kept."""


def sweep(
    provider: Provider,
    cards: Iterable[Card],
    now: datetime,
    settled: Callable[[str, Card], bool] = lambda *_: True,
) -> bool:
    """End machines whose job has ended a while ago, close and forget fleets that are gone.

    Machines are spared while a job is open that goes on after theirs: they may have gone along.
    `settled` records what a fleet that is gone has cost, and says whether that is done. Whether
    machines are there that are to end, or there is something to record.
    """
    cards = tuple(cards)
    needed = _before_open(cards)
    ended = {
        fleets_of(card.project, card.number): card
        for card in cards
        if not card.open and (card.project, card.number) not in needed
    }
    left = False
    for token in provider.tokens():
        card = ended.get(token.rstrip("0123456789"))
        if card is None or not card.ended_at:
            continue
        since = now - datetime.fromisoformat(card.ended_at)
        if provider.look(token).alive:
            left = True
            if since > _LEAVE:
                provider.end(token)
        elif not settled(token, card):
            left = True
        elif card.outcome is Outcome.SUCCESS or since > _KEEP:
            provider.forget(token)
        else:
            provider.close(token)
    return left


def _before_open(cards: Iterable[Card]) -> frozenset[tuple[str, int]]:
    """The jobs, by project and number, that open ones go on after."""
    by_project: dict[str, dict[int, Card]] = defaultdict(dict)
    for card in cards:
        by_project[card.project][card.number] = card
    return frozenset(
        (project, number)
        for project, known in by_project.items()
        for card in known.values()
        if card.open
        for number in before(card.after, known.get)
    )
