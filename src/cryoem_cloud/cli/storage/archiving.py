"""Which files are archived or restored, what that costs, and what is said of it."""

import shlex
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import click

from cryoem_cloud.cli.files.indexed import entries
from cryoem_cloud.cli.files.selecting import real_name, wanted
from cryoem_cloud.cli.standing import inside
from cryoem_cloud.model.errors import (
    ArchivedError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.paths import OUTSIDE
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.storage_prices import StoragePrices
from cryoem_cloud.model.units import counted, human_size, human_usd
from cryoem_cloud.mover.archived import archived_error
from cryoem_cloud.mover.archiving import Stored
from cryoem_cloud.planner.tiers import LEAST_BYTES, restoring
from cryoem_cloud.ports.classes import Classes, Kept, Reach
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places
from cryoem_cloud.wiring.storage import storage_prices_of
from cryoem_cloud.wiring.stores import store_at

__all__ = ["Choice", "archived_here", "classes_of", "consent", "in_store", "money", "objects_of"]

SMALL, SHARED, OURS, LOST = (
    "smaller than 128 KiB, which would cost more",
    "together in an object with files that were not named",
    "in a record of a job",
    "missing in the store",
)
_MAY_MOVE = ("mirror/", "bundles/")


def classes_of(store: Store) -> Classes:
    """The store's classes.

    Raises:
        RefusedError: It has one for all.
    """
    if store.classes is None:
        raise RefusedError(
            f"{store.url} keeps all objects in one way", hint="S3 has classes; see the how-to"
        )
    return store.classes


def consent(question: str, *, yes: bool) -> None:
    """Ask on the terminal, unless the user has said yes before.

    Raises:
        UsageError: Nobody is there.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", hint="--yes says yes, --dry-run looks")
    click.confirm(question, abort=True, err=True)


def money(usd: Decimal) -> str:
    """A sum for people."""
    return human_usd(usd) if usd else "$0"


def in_store(project: Project) -> dict[str, Entry]:
    """The files that the index names and the store has, by path; also from outside the project."""
    return {
        path: entry
        for path, entry in entries(project).items()
        if entry.kind is Kind.FILE and entry.content is not None and not entry.content.reference
    }


def objects_of(files: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Files by the object that holds them."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in files:
        if entry.content is not None:
            found[entry.content.key].append(entry)
    return found


@dataclass
class Choice:
    """Files that a user names, of all that the index has, and the objects that hold them."""

    project: Project
    store: Store = field(init=False)
    files: dict[str, Entry] = field(default_factory=dict)
    named: dict[str, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = store_at(self.project.store)

    def look(self, paths: Sequence[str]) -> None:
        """Find what was named.

        Raises:
            NotFoundError: The store has nothing of a name.
        """
        self.files = in_store(self.project)
        for path in paths:
            fits = wanted(real_name(self.project, inside(self.project, path)))
            named = {name: entry for name, entry in self.own.items() if fits(name)}
            if not named:
                raise NotFoundError(
                    f"the store has nothing at {path}",
                    hint="cryoem push sends files there",
                )
            self.named |= named

    @property
    def own(self) -> dict[str, Entry]:
        """The files of the project's folder."""
        return {p: entry for p, entry in self.files.items() if not p.startswith(OUTSIDE)}

    def objects(self) -> list[Stored]:
        """The objects that hold what was named, with all their files."""
        mine = objects_of(self.named.values())
        whole = objects_of(self.files.values())
        return [Stored(key=key, entries=tuple(whole[key])) for key in mine]

    def staying(self, stored: Stored, sizes: Callable[[str], int | None]) -> str:
        """Why an object stays where it is; "" where it may be moved."""
        size = sizes(stored.key)
        if size is None:
            return LOST
        if any(entry.path not in self.named for entry in stored.entries):
            return SHARED
        if not (stored.key.startswith(_MAY_MOVE) or "/out/" in stored.key):
            return OURS
        return SMALL if size < LEAST_BYTES else ""


def archived_here(
    paths: Sequence[str], found: Sequence[tuple[Entry, Kept]], store: Store, places: Places
) -> ArchivedError:
    """What to say of files that cannot be read now: how to have them, how long, for how much."""
    words = shlex.join(("cryoem", "storage", "restore", *paths))
    kept = {each.key: each for _, each in found}.values()
    asleep = [each for each in kept if each.reach is Reach.ARCHIVED]
    names = [entry.path for entry, _ in found]
    if not asleep:
        return archived_error(names, hint="it is being restored, for up to 48 h; try again then")
    prices = storage_prices_of(store, places)
    cost = _costs(prices, [each.size for each in asleep]) if prices else ""
    return archived_error(names, hint=f"{words}; takes about 12 h{cost}, in bulk 48 h")


def _costs(prices: StoragePrices, sizes: Sequence[int]) -> str:
    usd = restoring(prices, sizes, days=7, bulk=False).usd
    return f" and costs about {money(usd)}"


def told(files: Sequence[Entry]) -> str:
    """How many files and bytes."""
    return f"{counted(len(files), 'file')}, {human_size(sum(entry.size for entry in files))}"
