"""Bringing home what the user names, of what the store has of a project."""

import posixpath
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from cryoem_cloud.cli.files.indexed import differs, entries, placeable, require_placing
from cryoem_cloud.cli.files.moving import Moved, Plan, Tally, requests_of, saying_if_interrupted
from cryoem_cloud.cli.files.selecting import real_name, wanted
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.jobs.whereabouts import egress_usd, price_told
from cryoem_cloud.cli.progress import moving
from cryoem_cloud.cli.standing import inside
from cryoem_cloud.model.errors import CorruptObjectError, CryoemError, NotFoundError, RefusedError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.lastwords import folders_of
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.mover.beside import remove_left
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.mover.space import require_space
from cryoem_cloud.ports.classes import Kept
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places, Settings, environment
from cryoem_cloud.stores.archive import unreadable
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.engines import fetching
from cryoem_cloud.wiring.lines import lines_of
from cryoem_cloud.wiring.storage import prices_of
from cryoem_cloud.wiring.stores import store_at

__all__ = ["Pulling"]


@dataclass
class Pulling:
    """Files of the store's that were named, and which of them are not here as it has them."""

    project: Project
    places: Places
    files: Sequence[Entry] = ()
    store: Store = field(init=False)
    left_out: dict[str, str] = field(default_factory=dict)
    """What does not come home, and why."""
    damaged: list[str] = field(default_factory=list)
    """Paths of files of which the store has other bytes than were stored, or none."""
    _outputs: Sequence[str] = ()
    _began_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.store = store_at(self.project.store)

    def look(
        self, paths: Sequence[str], *, missing_ok: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Find the files that are there, or fit, or lie below what is or does.

        Empty folders that the store knows nothing of, as a shell's pattern may name, are left out.

        Raises:
            NotFoundError: The store has nothing of a name.
        """
        known = entries(self.project).values()
        ours = (card for card in cards().all() if card.project == self.project.name)
        self._outputs = tuple(folder for card in ours for folder in card.outputs)
        found: dict[str, Entry] = {}
        for path in paths:
            named = wanted(real_name(self.project, inside(self.project, path)))
            asked = (entry for entry in known if named(entry.path))
            files = [entry for entry in asked if placeable(entry)]
            if not files and not missing_ok(path):
                if len(paths) == 1 or not _is_empty_folder(path):
                    said = f"the store has nothing at {path}"
                    raise NotFoundError(said, hint="cryoem store ls lists its files")
                self.left_out[path] = "an empty folder, of which the store has nothing"
            found.update((entry.path, entry) for entry in files)
        self.files = tuple(found.values())

    def changed(self) -> list[str]:
        """Those that are here, and are not as the store has them."""
        return sorted(entry.path for entry in self.files if differs(self.project, entry))

    def require_unchanged(self) -> None:
        """See to it that nothing here would be replaced by other bytes.

        Raises:
            RefusedError: A file would be.
        """
        if changed := self.changed():
            more = counted(len(changed) - 1, "other file does", "other files do")
            others = f", and {more}" if len(changed) > 1 else ""
            raise RefusedError(
                f"{changed[0]} differs here from the store's{others}", hint="--force replaces them"
            )

    def away(self) -> list[Entry]:
        """Those that are not here at all.

        Raises:
            RefusedError: One would be written through a link.
        """
        return self._placing(entry for entry in self.files if not self._is_here(entry))

    def unlike(self) -> list[Entry]:
        """Those that are not here as the store has them.

        Raises:
            RefusedError: One would be written through a link.
        """
        return self._placing(
            e for e in self.files if differs(self.project, e) or not self._is_here(e)
        )

    def refusal(self, path: str) -> str:
        """Why a file of that path must not be written here; "" if it may be."""
        try:
            require_placing(self.project, path, self._outputs)
        except RefusedError as error:
            return str(error)
        return ""

    def _placing(self, fresh: Iterable[Entry]) -> list[Entry]:
        found = list(fresh)
        for entry in found:
            require_placing(self.project, entry.path, self._outputs)
        return found

    def _is_here(self, entry: Entry) -> bool:
        return (self.project.folder / entry.path).exists()

    def _require_places(self, fresh: Sequence[Entry]) -> None:
        top, hint = self.project.folder, "move it away, or leave it out"
        for entry in fresh:
            if (top / entry.path).is_dir():
                said = f"{entry.path} is a folder here, and a file in the store"
                raise RefusedError(said, hint=hint)
        for path in {folder for entry in fresh for folder in folders_of(entry.path)}:
            if (top / path).exists() and not (top / path).is_dir():
                said = f"{path} is a file here, and a folder in the store"
                raise RefusedError(said, hint=hint)

    def plan(self, fresh: Sequence[Entry]) -> Plan:
        """What would be brought home."""
        size, costs = sum(entry.size for entry in fresh), prices_of(self.store, self.places)
        return Plan(
            verb="brought home",
            files=len(self.files),
            size=sum(entry.size for entry in self.files),
            fresh=len(fresh),
            fresh_size=size,
            requests=requests_of(entry.size for entry in fresh),
            usd=egress_usd(size, costs),
        )

    def readable(self, fresh: Sequence[Entry]) -> tuple[list[Entry], list[tuple[Entry, Kept]]]:
        """Those that can be read now, and those that must be restored first, as they are kept."""
        away = unreadable(self.store, self.project.name, fresh)
        paths = {entry.path for entry, _ in away}
        return [entry for entry in fresh if entry.path not in paths], away

    def say_price(self, fresh: Sequence[Entry]) -> None:
        """Say what bringing these home costs, where that costs anything."""
        size = sum(entry.size for entry in fresh)
        price = egress_usd(size, prices_of(self.store, self.places))
        if price:
            click.echo(
                f"{counted(len(fresh), 'file')}, {human_size(size)}: {price_told(price)}", err=True
            )

    def fetch(self, fresh: Sequence[Entry], *, rate: int = 0) -> Moved:
        """Bring these home; what pulls that were killed left beside the files goes.

        Those that are damaged in the store do not come, and are left out, and `damaged`.

        Raises:
            RefusedError: A folder is in the way of one, or a file of its folder.
            NoSpaceError: There is no room for them.
            What fetch_files raises.
        """
        self._require_places(fresh)
        for path in {posixpath.dirname(entry.path) for entry in self.files}:
            if not self.refusal(f"{path}/file"):
                remove_left(self.project.folder / path)
        folder, size, tally = self.project.folder, sum(entry.size for entry in fresh), Tally()
        require_space(folder, size, purpose="pulling")
        settings = Settings.read(self.places, folder, environment())
        with (
            saying_if_interrupted("came home", tally, size),
            fetching(settings, rate=rate) as engine,
            moving("coming home", size, wire=lambda: engine.wire_bytes) as moved,
        ):
            wanted_ = [(entry, folder / entry.path) for entry in fresh]
            counting = tally.counting(moved)
            fetch_files(
                self.store,
                self.project.name,
                wanted_,
                moved=counting,
                engine=engine,
                damaged=self._is_damaged,
            )
            now, at_rate = SystemClock().now(), engine.newly_measured()
            lines_of(self.places).note(self.project.store, now, up=None, down=at_rate)
        return Moved(
            verb="brought home",
            files=len(self.files),
            size=sum(entry.size for entry in self.files),
            sent=tally.raw,
            wire=sum(entry.content.stored for entry in fresh if entry.content),
            seconds=time.monotonic() - self._began_s,
            moved_files=len(fresh) - len(self.damaged),
            left_out=self.left_out,
        )

    def _is_damaged(self, entry: Entry, error: CryoemError) -> None:
        self.damaged.append(entry.path)
        self.left_out[entry.path] = f"damaged in the store ({error.message})"

    def require_whole(self) -> None:
        """See to it that all that was to come has come.

        Raises:
            CorruptObjectError: Of some the store has other bytes than were stored, or none.
        """
        if self.damaged:
            files = counted(len(self.damaged), "file is", "files are")
            raise CorruptObjectError(
                f"{files} damaged in the store; all others came",
                hint="cryoem verify --repair mends that where a file is here as it was stored: "
                "call it on the computer that has it",
            )


def _is_empty_folder(path: str) -> bool:
    return Path(path).is_dir() and not any(Path(path).iterdir())
