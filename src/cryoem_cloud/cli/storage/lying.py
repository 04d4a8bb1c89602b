"""cryoem storage ls: what lies where, and what that costs a month."""

import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import click

from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.standing import inside
from cryoem_cloud.cli.storage.archiving import in_store, money
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.paths import OUTSIDE, is_below
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.storage_prices import StorageClass, StoragePrices
from cryoem_cloud.model.units import human_size
from cryoem_cloud.model.usd import ZERO
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places
from cryoem_cloud.wiring.storage import prices_of
from cryoem_cloud.wiring.stores import store_at

__all__ = ["say_where"]

_STANDARD = StorageClass.STANDARD.value
_OUT = "(files from outside the project)"
_REST = "(older versions, journals, records)"
_ORDER = tuple(each.value for each in StorageClass)


@dataclass
class _Lying:
    """A folder: bytes of its files here, and of what is stored of them, by class."""

    files: int = 0
    here: int = 0
    there: Counter[str] = field(default_factory=Counter)


def say_where(project: Project, places: Places, paths: Sequence[str], *, json_: bool) -> None:
    """Print a row a folder, and the sum."""
    store = store_at(project.store)
    named = [posixpath.normpath(inside(project, path)) for path in paths] or ["."]
    kept = _classes(store, project.name)
    rows = dict(_rows(project, kept, named))
    if named == ["."]:
        rows[_REST] = _rest(kept, rows)
    cost = _Costing(prices_of(store, places))
    total = _sum(rows.values())
    if json_:
        folders = [_as_json(name, row, cost) for name, row in rows.items()]
        click.echo(as_json({"folders": folders, "total": _as_json("", total, cost)}))
        return
    words = [word for word in _ORDER if total.there[word]]
    words += sorted(set(total.there) - set(_ORDER))
    head = ("FOLDER", "FILES", "HERE", *(words or [_STANDARD]), "A MONTH")
    lines = [_line(name, row, words, cost) for name, row in rows.items()]
    click.echo(table(head, [*lines, _line("all", total, words, cost)]))


def _line(name: str, row: _Lying, words: Sequence[str], cost: "_Costing") -> list[str]:
    usd = cost.of(row.there)
    sizes = [human_size(row.there[word]) if row.there[word] else "-" for word in words or ("",)]
    here = human_size(row.here) if row.here else "-"
    return [name, str(row.files), here, *sizes, "-" if usd is None else money(usd)]


def _as_json(name: str, row: _Lying, cost: "_Costing") -> dict[str, JSON]:
    usd = cost.of(row.there)
    return {
        **({"folder": name} if name else {}),
        "files": row.files,
        "bytes_here": row.here,
        "bytes_in_store": dict(row.there),
        "usd_a_month": None if usd is None else f"{usd:f}",
    }


@dataclass(frozen=True)
class _Costing:
    prices: StoragePrices

    def of(self, there: Mapping[str, int]) -> Decimal | None:
        """What bytes cost for a month, by class; None where a price is not known."""
        known = {each.value: each for each in self.prices.classes}
        if any(word not in known for word, size in there.items() if size):
            return None
        parts = (self.prices.month_usd(size, known[word]) for word, size in there.items() if size)
        return sum(parts, ZERO)


def _classes(store: Store, project: str) -> dict[str, tuple[int, str]]:
    """Size and class of each of the project's objects, by key relative to it."""
    prefix = f"{project}/"
    if store.classes is None:
        return {one.key.removeprefix(prefix): (one.size, _STANDARD) for one in store.list(prefix)}
    found = store.classes.list(prefix)
    return {one.key.removeprefix(prefix): (one.size, one.word) for one in found}


def _rows(
    project: Project, kept: Mapping[str, tuple[int, str]], named: Sequence[str]
) -> Iterator[tuple[str, _Lying]]:
    files = in_store(project).values()
    for name in named:
        rows: dict[str, _Lying] = defaultdict(_Lying)
        for path, size in _here(project, name):
            rows[_folder(path, name)].here += size
        seen: set[tuple[str, int]] = set()
        for entry in files:
            if entry.path.startswith(OUTSIDE):
                if name == ".":
                    _count(rows[_OUT], entry, kept, seen)
            elif is_below(entry.path, name):
                _count(rows[_folder(entry.path, name)], entry, kept, seen)
        yield from sorted(rows.items())


def _count(
    row: _Lying, entry: Entry, kept: Mapping[str, tuple[int, str]], seen: set[tuple[str, int]]
) -> None:
    """Add a file; what several files share is counted with the first."""
    row.files += 1
    content = entry.content
    if content is None or content.key not in kept or (content.key, content.start) in seen:
        return
    seen.add((content.key, content.start))
    row.there[kept[content.key][1]] += content.stored


def _rest(kept: Mapping[str, tuple[int, str]], rows: Mapping[str, _Lying]) -> _Lying:
    """What the store has of the project that is in no row."""
    found = _Lying()
    for size, word in kept.values():
        found.there[word] += size
    for row in rows.values():
        found.there -= row.there
    return found


def _sum(rows: Iterable[_Lying]) -> _Lying:
    total = _Lying()
    for row in rows:
        total.files += row.files
        total.here += row.here
        total.there += row.there
    return total


def _folder(path: str, below: str) -> str:
    inner = path if below == "." else path[len(below) + 1 :]
    first, slash, _ = inner.partition("/")
    return posixpath.normpath(posixpath.join(below, first)) if slash else below


def _here(project: Project, name: str) -> Iterator[tuple[str, int]]:
    """The files that lie in a folder of the project, and their bytes; links lead nowhere."""
    top = os.fspath(project.folder)
    start = posixpath.normpath(posixpath.join(top, name))
    if os.path.isfile(start):  # noqa: PTH113  (text, not paths)
        yield name, os.lstat(start).st_size
    for folder, below, names in os.walk(start):
        below[:] = sorted(one for one in below if one != ".cryoem")
        for one in names:
            whole = posixpath.join(folder, one)
            found = os.lstat(whole)
            yield posixpath.relpath(whole, top), found.st_size
