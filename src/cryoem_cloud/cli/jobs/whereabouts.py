"""Where a job's outputs are: at home, in the store alone, or deleted by the user."""

import glob
import posixpath
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from cryoem_cloud.cli.jobs.companions import companion_ending
from cryoem_cloud.courier.homeward.policy import HomePolicy
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.storage_prices import GB, StoragePrices
from cryoem_cloud.model.units import counted, human_size, human_usd

__all__ = [
    "AWAY",
    "DELETED",
    "HOME",
    "Group",
    "away",
    "egress_usd",
    "price_told",
    "told",
    "whereabouts",
]

HOME, AWAY, DELETED = "home", "store only", "deleted"
_MOST_GROUPS = 8
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Files that are in the store alone, of one folder and with one ending.

    Those that go with others of the group's are a group of their own.
    """

    pattern: str
    files: int
    size: int

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {"pattern": self.pattern, "files": self.files, "size": self.size}


def whereabouts(
    card: Card,
    policy: HomePolicy,
    files: Iterable[Entry],
    *,
    archived: Collection[str] = frozenset(),
) -> dict[str, str]:
    """For each of a job's files, all of them, by path: HOME, AWAY or DELETED.

    Nothing was deleted of a job that this computer has not brought home; nor what was `archived`,
    by keys, and is not here.
    """
    keys = {entry.path: entry.content.key if entry.content else "" for entry in files}
    paths = list(keys)
    left = policy.staying(paths, ended=True) | {p for p, key in keys.items() if key in archived}
    return {path: _place(card, path, left=path in left) for path in paths}


def away(files: Iterable[Entry]) -> tuple[Group, ...]:
    """The files in groups, the largest first."""
    found: dict[str, list[int]] = defaultdict(list)
    sizes = {entry.path: entry.size for entry in files}
    for path, size in sizes.items():
        folder, name = posixpath.split(path)
        ending = companion_ending(path, sizes) or posixpath.splitext(name)[1]
        found[glob.escape(folder) + "/*" + glob.escape(ending)].append(size)
    groups = (Group(pattern=p, files=len(s), size=sum(s)) for p, s in found.items())
    return tuple(sorted(groups, key=lambda group: (-group.size, group.pattern)))


def egress_usd(size: int, prices: StoragePrices) -> Decimal:
    """What bringing so many bytes home costs, those aside that are free each month."""
    return size * prices.egress_gb / GB


def price_told(usd: Decimal) -> str:
    """A price for people."""
    return f"about {human_usd(usd)}" if usd >= _CENT else "less than a cent"


def told(groups: Sequence[Group], folders: Sequence[str], usd: Decimal) -> Iterator[str]:
    """What is in the store alone, and the command that brings it, for people."""
    for group in groups[:_MOST_GROUPS]:
        yield f"{counted(group.files, 'file')}, {human_size(group.size)}: {group.pattern}"
    if more := groups[_MOST_GROUPS:]:
        yield f"{counted(sum(group.files for group in more), 'file')} more"
    price = f", for {price_told(usd)}" if usd else ""
    yield f"{shlex.join(('cryoem', 'pull', *folders))} brings all of it{price}"
    first = shlex.quote(groups[0].pattern)
    some = min(20, groups[0].files)
    yield f"cryoem pull {first} --sample {some} brings {some} of the first, spread evenly"


def _place(card: Card, path: str, *, left: bool) -> str:
    place = Path(card.folder, path)
    if place.exists():
        return HOME
    kept = left and place.parent.is_dir()
    return AWAY if kept or not card.ended_at else DELETED
