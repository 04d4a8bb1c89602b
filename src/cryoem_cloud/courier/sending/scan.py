"""Which files of a project are not as the store has them; of what stands, one look a file."""

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.tables import Signs, signs
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Stamp
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.beside import is_part

__all__ = ["Scan"]

_OURS = ".cryoem"


@dataclass(slots=True)
class Scan:
    """Goes through files and folders of a project, and counts.

    `files` and `size` (bytes) are of all files that were met; `odd` names what is no file that
    could be sent, and says what it is. As the index was read before, a file whose size, time, inode
    and mode are those of when the index last named it is passed over, unless `all_` is set.
    """

    project: Project
    cache: Cache
    all_: bool = False
    files: int = 0
    size: int = 0
    odd: dict[str, str] = field(default_factory=dict)
    _entered: set[tuple[int, int]] = field(default_factory=set)

    def fresh(self, path: str) -> Iterator[tuple[str, int]]:
        """The files at `path` and below it that the store may not have, and their sizes in bytes.

        They are in order within a folder.

        Links to folders are followed; a folder that is met twice is entered once, our own never;
        nor is what a pull left that was killed met.

        Raises:
            RefusedError: A folder cannot be read.
        """
        whole = self.project.folder / path
        if _OURS in path.split("/"):
            return
        if not whole.is_dir():
            folder, name = posixpath.split(path)
            yield from self._files(folder or ".", [name])
            return
        pending = [posixpath.normpath(path)]
        while pending:
            folder = pending.pop()
            if not self._is_new(folder):
                continue
            below: list[str] = []
            yield from self._files(folder, self._names(folder), below)
            pending += reversed(below)

    def _is_new(self, folder: str) -> bool:
        found = (self.project.folder / folder).stat()
        place = (found.st_dev, found.st_ino)
        new = place not in self._entered
        self._entered.add(place)
        return new

    def _names(self, folder: str) -> list[str]:
        place = self.project.folder / folder
        try:
            return sorted(os.listdir(place), key=os.fsencode)  # noqa: PTH208  (text, not paths)
        except OSError as error:
            raise RefusedError(
                f"{place} cannot be read: {error.strerror}",
                hint="make it readable (chmod), or leave it out",
            ) from error

    def _files(
        self, folder: str, names: list[str], below: list[str] | None = None
    ) -> Iterator[tuple[str, int]]:
        """Those of `names` that may be fresh, and their sizes; folders are put into `below`."""
        standing = self.cache.standing(self.project.name, folder)
        known = next(standing, None)
        for path, name, found in self._found(folder, names):
            if stat.S_ISDIR(found.st_mode):
                if below is not None:
                    below.append(path)
                continue
            self.files += 1
            self.size += found.st_size
            while known is not None and known[0] < name:
                known = next(standing, None)
            if self.all_ or known != (name, _signs(found)):
                yield path, found.st_size

    def _found(self, folder: str, names: list[str]) -> Iterator[tuple[str, bytes, os.stat_result]]:
        """Files and folders of these names: their paths, names as bytes, and what they are like."""
        top = os.fspath(self.project.folder / folder)
        for name in names:
            if name == _OURS or is_part(name):
                continue
            path = name if folder == "." else f"{folder}/{name}"
            try:
                found = os.stat(f"{top}/{name}")  # noqa: PTH116  (any text may be a name)
            except OSError as error:
                self.odd[path] = _why_not(Path(top, name), error)
                continue
            if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
                yield path, os.fsencode(name), found
            else:
                self.odd[path] = _kind(found.st_mode)


def _signs(found: os.stat_result) -> Signs:
    stamp = Stamp(size=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)
    return signs(stamp, found.st_mode & 0o777)


def _why_not(path: Path, error: OSError) -> str:
    return "a link that leads nowhere" if path.is_symlink() else str(error.strerror)


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
