"""cryoem storage archive: the plan, the question, the deed."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import click

from cryoem_cloud.cli.jobs.afar import cards_from_store
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.storage.archiving import LOST, Choice, money, told
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.frontends.pipeline import PIPELINE, running
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.model.units import counted
from cryoem_cloud.mover.archiving import Archiver, Moved, Stored
from cryoem_cloud.mover.engine import FETCH_BYTES, Engine
from cryoem_cloud.planner.tiers import Archiving, archiving
from cryoem_cloud.ports.classes import Classes, Kept
from cryoem_cloud.settings import Places
from cryoem_cloud.stores.archive import ArchiveLog
from cryoem_cloud.wiring.storage import storage_prices_of

__all__ = ["Archive", "open_jobs"]

_STREAMS = 8
_MOST_SAID = 10


def open_jobs(choice: Choice) -> list[int]:
    """The project's jobs that are not home yet, whoever submitted them."""
    known = [card for card in cards().all() if card.project == choice.project.name]
    numbers = frozenset(card.number for card in known)
    afar = cards_from_store(choice.project, known=numbers)
    return sorted(card.number for card in (*known, *afar) if card.open)


@dataclass
class Archive:
    """Objects that are to be in a class, and with `delete` files that are to go from here."""

    choice: Choice
    classes: Classes
    places: Places
    to: StorageClass
    delete: bool
    moving: list[Stored] = field(default_factory=list)
    """They are to be moved, or are there already."""
    left: Counter[str] = field(default_factory=Counter)
    """How many files stay, by why."""
    troubles: dict[str, str] = field(default_factory=dict)
    """By path, what is wrong; of these nothing was removed."""
    moved: int = 0
    removed: list[Entry] = field(default_factory=list)
    _kept: dict[str, Kept] = field(default_factory=dict)

    def look(self) -> None:
        """Find out what there is to do."""
        prefix = f"{self.choice.project.name}/"
        self._kept = {each.key.removeprefix(prefix): each for each in self.classes.list(prefix)}
        for stored in self.choice.objects():
            why = self.choice.staying(stored, self._size)
            mine = [entry for entry in stored.entries if entry.path in self.choice.named]
            if why == LOST:
                self.troubles |= {entry.path: LOST for entry in mine}
            elif why:
                self.left[why] += len(mine)
            else:
                self.moving.append(stored)

    def _size(self, key: str) -> int | None:
        return self._kept[key].size if key in self._kept else None

    @property
    def fresh(self) -> list[Stored]:
        """Those that are in another class now."""
        return [each for each in self.moving if self._kept[each.key].word != self.to.value]

    @property
    def here(self) -> list[Entry]:
        """Files that are here, and would go."""
        if not self.delete:
            return []
        folder = self.choice.project.folder
        return [entry for entry in self._files(self.moving) if (folder / entry.path).exists()]

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.fresh or self.here)

    @property
    def code(self) -> int:
        """The exit code."""
        return int(bool(self.troubles))

    def require_quiet(self) -> None:
        """See to it that no job needs what would be out of reach.

        Raises:
            RefusedError: One may.
        """
        if self.to is StorageClass.DEEP and (numbers := open_jobs(self.choice)):
            raise RefusedError(
                f"job {numbers[0]} is not home yet, and may read what would be archived",
                hint="wait for it (cryoem ls), or choose --tier instant, which is read at once",
            )
        if self.here and (folders := running(self.choice.project.folder)):
            raise RefusedError(
                f"{folders[0]} runs, and may read what would be removed here",
                hint="wait for it, or leave --delete-local",
            )

    def do(self) -> None:
        """Move, then remove what is to go from here."""
        choice = self.choice
        if self.to is StorageClass.DEEP or self.delete:
            ArchiveLog(choice.store, choice.project.name).note(each.key for each in self.moving)
        with (
            Engine(memory_bytes=FETCH_BYTES) as engine,
            ThreadPoolExecutor(max_workers=_STREAMS) as pool,
        ):
            archiver = Archiver(
                store=choice.store,
                classes=self.classes,
                project=choice.project.name,
                to=self.to,
                room=choice.project.folder / ".cryoem",
                engine=engine,
            )
            for stored, moved in zip(
                self.moving, pool.map(archiver.move, self.moving), strict=True
            ):
                self._take(stored, moved, archiver)

    def _take(self, stored: Stored, moved: Moved, archiver: Archiver) -> None:
        self.moved += moved.moved
        for entry in stored.entries:
            if moved.why:
                self.troubles[entry.path] = moved.why
            elif self.delete:
                self._remove(entry, moved, archiver)

    def _remove(self, entry: Entry, moved: Moved, archiver: Archiver) -> None:
        folder = self.choice.project.folder
        if not (folder / entry.path).exists():
            return
        if entry.path == PIPELINE:
            self.left["what RELION reads to open the project"] += 1
            return
        why = "" if moved.sure else "the store cannot say that it is what was stored"
        if why := why or archiver.remove_here(entry, folder):
            self.troubles[entry.path] = f"stays here: {why}"
        else:
            self.removed.append(entry)

    def _files(self, objects: list[Stored]) -> list[Entry]:
        return [entry for stored in objects for entry in stored.entries]

    def say_plan(self, *, json_: bool) -> None:
        """What would be done, and what it costs."""
        if json_:
            click.echo(as_json(self._as_json()))
            return
        for line in self._plan():
            click.echo(line, err=True)

    def _plan(self) -> Iterator[str]:
        fresh = self.fresh
        files = self._files(fresh)
        if fresh:
            yield f"{told(files)} to {self.to.value}, in {counted(len(fresh), 'object')}"
        if there := len(self._files(self.moving)) - len(files):
            yield f"{counted(there, 'file is', 'files are')} in {self.to.value} already"
        for why, number in sorted(self.left.items()):
            yield f"{counted(number, 'file stays', 'files stay')} there: {why}"
        if self.here:
            yield f"{told(self.here)} would then be removed here, once verified there"
        if cost := self._cost():
            yield (
                f"{money(cost.requests_usd)} once; {money(cost.before_usd)} a month become "
                f"{money(cost.after_usd)}, at list prices"
            )
            yield (
                f"at least {cost.least_days} days are paid for: {money(cost.least_usd)}, "
                "also of what is deleted or replaced before"
            )
        if self.to is StorageClass.DEEP and self.fresh:
            yield "before it is read it must be restored, which takes about 12 h, or 48 h in bulk"

    def _cost(self) -> Archiving | None:
        prices = storage_prices_of(self.choice.store, self.places)
        if prices is None or not self.fresh:
            return None
        objects = [self._kept[each.key] for each in self.fresh]
        known = [(each.kept or StorageClass.STANDARD, each.size) for each in objects]
        return archiving(prices, known, self.to)

    def say_done(self, *, json_: bool) -> None:
        """What was done."""
        if json_:
            click.echo(as_json(self._as_json()))
            return
        for path, why in list(self.troubles.items())[:_MOST_SAID]:
            click.echo(f"{path}: {why}")
        if more := len(self.troubles) - _MOST_SAID:
            click.echo(f"… and {more} more" if more > 0 else "", nl=more > 0)
        removed = f", {told(self.removed)} removed here" if self.delete else ""
        done = counted(self.moved, "object")
        click.echo(f"{done} moved to {self.to.value}{removed}", err=True)

    def _as_json(self) -> dict[str, JSON]:
        cost = self._cost()
        return {
            "class": self.to.value,
            "objects": len(self.fresh),
            "bytes": sum(self._kept[each.key].size for each in self.fresh),
            "files": len(self._files(self.fresh)),
            "left": dict(self.left),
            "moved": self.moved,
            "removed_here": [entry.path for entry in self.removed],
            "troubles": dict(self.troubles),
            "requests_usd": f"{cost.requests_usd:f}" if cost else None,
            "usd_a_month_before": f"{cost.before_usd:f}" if cost else None,
            "usd_a_month_after": f"{cost.after_usd:f}" if cost else None,
            "least_days": self.to.least_days,
            "least_usd": f"{cost.least_usd:f}" if cost else None,
        }
