"""Moving what is stored to another class, and removing here what is surely there.

The order is what keeps the only copy: an object is verified, then moved, then compared once more by
the checksum that the store has kept; a file here is read, the store is asked again, and the file
is removed if nothing of it has changed. Killed at any instant, the same calls go on.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryoem_cloud.model.errors import ObjectExistsError, ObjectMissingError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.lastwords import folders_of
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.verify import Finding, Proof, look_here, look_there
from cryoem_cloud.ports.classes import Classes, Reach
from cryoem_cloud.ports.store import Store, Told

__all__ = ["Archiver", "Moved", "Stored"]

_UNSURE = "the store tells no checksum by which it could be verified where it is now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object, by its key relative to the project, and all files that the index has in it."""

    key: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of an object: whether it was moved just now, and is surely what was stored.

    `why` says what is wrong; "" for nothing: then it is in the class.
    """

    sure: bool = False
    moved: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiver:
    """Moves objects of a project to a class. `room` is a folder in which files may be read."""

    store: Store
    classes: Classes
    project: str
    to: StorageClass
    room: Path
    engine: Engine

    def move(self, stored: Stored) -> Moved:
        """Have an object in the class, once it is verified.

        Where the store tells a checksum, and it is the one that was recorded, nothing is read.
        Else all of it is.
        """
        try:
            return self._move(stored, f"{self.project}/{stored.key}")
        except ObjectMissingError:
            return Moved(why="it is missing in the store")
        except ObjectExistsError:
            return Moved(why="it was replaced while it was looked at")

    def _move(self, stored: Stored, key: str) -> Moved:
        kept = self.classes.kept(key)
        if kept.word == self.to.value:
            return Moved(sure=_is_sure(self.store.told(key), stored))
        if kept.reach in {Reach.ARCHIVED, Reach.RESTORING}:
            return Moved(why=f"it is in {kept.word}, and must be restored first")
        before = self.store.told(key)
        if why := self._wrong(stored, key, before):
            return Moved(why=why)
        self.classes.move(key, self.to, tag=kept.tag)
        after = self.store.told(key)
        if after.size != before.size or after.check not in {before.check, *_checks(stored)}:
            return Moved(moved=True, why="it is another one now: cryoem verify")
        return Moved(moved=True, sure=_is_sure(after, stored))

    def remove_here(self, entry: Entry, folder: Path) -> str:
        """Remove the file of an entry from the project's folder, if the store surely has it.

        Why it stays; "" where it does not, or was not there. A file that is a link or lies behind
        one stays, and one that is not the stored one to the last bit.

        Raises:
            OSError: It cannot be read or removed.
        """
        path = folder / entry.path
        if not os.path.lexists(path):
            return ""
        if any((folder / above).is_symlink() for above in folders_of(entry.path)):
            return "it lies behind a link"
        seen = _signs(path)
        if seen is None:
            return "it is no file of its own"
        if why := _unlike(entry, path) or self._unsure(entry):
            return why
        if _signs(path) != seen:
            return "it changed while it was read"
        path.unlink()
        return ""

    def _wrong(self, stored: Stored, key: str, said: Told) -> str:
        """What is wrong with an object in the store; "" for nothing."""
        told = cache(lambda other: said if other == key else self.store.told(other))
        for entry in stored.entries:
            for deep in (False, True):
                found, proof = look_there(
                    self.store,
                    self.project,
                    entry,
                    room=self.room,
                    told=told,
                    deep=deep,
                    engine=self.engine,
                )
                if found is not Finding.GOOD:
                    return f"{entry.path} is {found.value} in the store"
                if proof is not Proof.LENGTH:
                    break
        return ""

    def _unsure(self, entry: Entry) -> str:
        """Why the store may not have the entry's bytes where it is to have them."""
        if entry.content is None:
            return "it has no bytes"
        key = f"{self.project}/{entry.content.key}"
        try:
            said, kept = self.store.told(key), self.classes.kept(key)
        except ObjectMissingError:
            return "it is missing in the store"
        if kept.word != self.to.value:
            return f"it is in {kept.word} in the store"
        return "" if said.check and said.check in entry.content.checks else _UNSURE


def _unlike(entry: Entry, path: Path) -> str:
    """How the file differs from what was stored; "" for not at all. Reads all of it."""
    found = look_here(entry, path)
    if found is Finding.GOOD:
        return ""
    return "it has other bytes than were stored" if found is Finding.DAMAGED else f"{found.value}"


def _is_sure(said: Told, stored: Stored) -> bool:
    """Whether the store's checksum is the one that was recorded as the object was stored."""
    return bool(said.check) and said.check in _checks(stored)


def _checks(stored: Stored) -> frozenset[str]:
    """The checksums that were recorded with every one of its files."""
    each = [frozenset(entry.content.checks if entry.content else ()) for entry in stored.entries]
    return frozenset.intersection(*each)


def _signs(path: Path) -> tuple[int, ...] | None:
    """What changes whenever a file does; None where there is no file of the path's own."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        return None
    return tuple(_numbers(found))


def _numbers(found: os.stat_result) -> Iterator[int]:
    yield from (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
