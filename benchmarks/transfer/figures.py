"""From runs to figures: medians, ratios, and whether a target is met. No input or output."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Self

__all__ = ["Figure", "Medians", "Run", "Target", "figure", "medians", "order"]

OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One client's one run. `received` and `sent` are bodies' bytes as the sink counted them.

    `fault` says why it does not count; `load` is the computer's mean number of busy programs.
    """

    row: str
    client: str
    number: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    files: int
    bytes: int
    bound: float
    received: int
    sent: int
    resent_mb: float = 0.0
    requests: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""
    load: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """As it was kept."""
        return cls(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is promised of a row: a median of ours, over the best median of `against`.

    Without `against` it is the median itself. `least` instead of `most` is for gains: then it is
    theirs over ours. `of_row` is the row that theirs are from, if it is another.
    """

    key: str
    what: str = "wall_s"
    against: tuple[str, ...] = ()
    most: float | None = None
    least: float | None = None
    of_row: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A target and what was found; None where it was not measured."""

    row: str
    target: Target
    found: float | None

    @property
    def met(self) -> bool:
        """Whether it was measured and is kept."""
        if self.found is None:
            return False
        most = self.target.most is None or self.found <= self.target.most
        return most and (self.target.least is None or self.found >= self.target.least)

    @property
    def promised(self) -> str:
        """The bound, in words."""
        return f"≤ {self.target.most:g}" if self.target.most else f"≥ {self.target.least:g}"


Medians = Mapping[tuple[str, str], Mapping[str, float]]
"""By row and client: the medians of what was measured, of the runs without a fault."""

_MEASURED = ("wall_s", "cpu_s", "rss_mb", "received", "sent", "resent_mb", "load")


def medians(runs: Iterable[Run]) -> Medians:
    """Of all that were measured."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if not run.fault:
            groups.setdefault((run.row, run.client), []).append(run)
    return {
        name: {what: median(getattr(run, what) for run in group) for what in _MEASURED}
        for name, group in groups.items()
    }


def figure(found: Medians, row: str, target: Target) -> Figure:
    """What became of a target."""
    ours = found.get((row, OURS), {}).get(target.what)
    if ours is None or not target.against:
        return Figure(row, target, None if ours is None else round(ours, 1))
    theirs = [
        found[target.of_row or row, client][target.what]
        for client in target.against
        if (target.of_row or row, client) in found
    ]
    if len(theirs) < len(target.against) or not ours or not min(theirs):
        return Figure(row, target, None)
    best = min(theirs)
    return Figure(row, target, round(best / ours if target.least else ours / best, 3))


def order(clients: Sequence[str], number: int) -> Sequence[str]:
    """Who comes when in a round: each begins as often as the others."""
    at = number % len(clients)
    return (*clients[at:], *clients[:at])
