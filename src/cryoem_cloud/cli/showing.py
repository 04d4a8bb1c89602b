"""How answers look: tables and lines. Answers go to stdout."""

import shutil
from collections.abc import Iterable, Sequence
from datetime import timedelta
from textwrap import fill

from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.units import human_duration, human_size, visible
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["left_of", "state_of", "table", "word_of", "wrapped"]

_COLUMNS, _FEWEST = 100, 40


def wrapped(line: str, indent: int = 0) -> str:
    """On lines as wide as the terminal, 100 columns at most, the later ones indented.

    They are broken at blanks alone: a command stays one that can be copied.
    """
    columns = max(_FEWEST, min(_COLUMNS, shutil.get_terminal_size((_COLUMNS, 24)).columns))
    if len(line) <= columns:
        return line
    return fill(
        line,
        columns,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


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
