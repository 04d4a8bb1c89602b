"""How answers look: tables and lines. Answers go to stdout."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.units import human_duration, human_size, visible
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["left_of", "state_of", "table", "word_of"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a head, in columns; a terminal obeys nothing of it."""
    lines = [tuple(head), *(tuple(map(visible, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def word_of(card: Card) -> str:
    """The job's state in one word, as queues write it."""
    if card.outcome is None:
        return "RUNNING"
    return {
        Outcome.SUCCESS: "COMPLETED",
        Outcome.FAILURE: "FAILED",
        Outcome.ABORTED: "CANCELLED",
    }[card.outcome]


def left_of(card: Card) -> str:
    """How far a running job is, and how long it takes yet; "" where nobody can tell."""
    if card.forecast is None or card.phase is not Phase.RUNNING:
        return ""
    return visible(card.forecast.words(SystemClock().now()))


def state_of(card: Card) -> str:
    """The job's state for people."""
    if card.outcome is None:
        return card.phase.value
    if not card.ended_at:  # another computer brought it home, and knows how long it took
        return card.outcome.value
    lasts = human_duration(timedelta(seconds=card.run_s))
    moved = f"{human_size(card.bytes_up)} sent, {human_size(card.bytes_down)} home"
    return f"{card.outcome.value} ({lasts}; {moved})"
