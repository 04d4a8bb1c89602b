"""Which of a task's outputs are new, and which of them are settled."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.model.file import Stamp
from cryoem_cloud.mover.settling import Settling

__all__ = ["SMALL_BYTES", "Found", "Outputs"]

SMALL_BYTES = 64 * 1024
"""Files up to this size travel in the journal's pages."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file, link or empty folder below the output folders; `stamp` is the file's or link's."""

    path: str
    stamp: Stamp
    mode: int

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """A symbolic link."""
        return stat.S_ISLNK(self.mode)


class Outputs:
    """Looks at the output folders of a task again and again.

    Files that were there before the task started are outputs only once they have changed. `skip`
    says which names (relative to the root) are none at all. `unreadable` says why, of folders and
    files that were met and could not be looked at.
    """

    def __init__(
        self, root: Path, folders: tuple[str, ...], *, skip: Callable[[str], bool]
    ) -> None:
        self._root = root
        self._folders = folders
        self._skip = skip
        self.unreadable: dict[str, str] = {}
        self._before: dict[str, Stamp] = {}
        self._before = {found.path: found.stamp for found in self.all()}
        self._settling = Settling(small_bytes=SMALL_BYTES)

    def all(self) -> Iterator[Found]:
        """Everything there is now that was not there before."""
        for folder in self._folders:
            for found in self._walk(folder):
                if self._before.get(found.path) != found.stamp and not self._skip(found.path):
                    yield found

    def settled(self, sent: Callable[[str], Stamp | None], now_s: float) -> Iterator[Found]:
        """What is whole, as far as anybody can tell, and is not `sent` as it is."""
        self._settling.look()
        for found in self.all():
            if not (found.is_file or found.is_link) or sent(found.path) == found.stamp:
                continue
            if self._settling.is_settled(self._root / found.path, found.stamp, now_s):
                yield found

    def _walk(self, folder: str) -> Iterator[Found]:
        try:
            items = sorted(os.scandir(self._root / folder), key=lambda item: item.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.unreadable[folder] = str(error.strerror)
            return
        for item in items:
            path = f"{folder.rstrip('/')}/{item.name}" if folder != "." else item.name
            try:
                found = item.stat(follow_symlinks=False)
            except FileNotFoundError:  # programs make files that do not stay
                continue
            except OSError as error:
                self.unreadable[path] = str(error.strerror)
                continue
            if stat.S_ISDIR(found.st_mode):
                yield from self._walk(path)
                if _is_empty(self._root / path):
                    yield _found(path, found)
            elif stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                yield _found(path, found)


def _is_empty(folder: Path) -> bool:
    """Whether a folder is there and can be looked into, and nothing is in it."""
    with suppress(OSError), os.scandir(folder) as items:
        return not any(items)
    return False


def _found(path: str, found: os.stat_result) -> Found:
    stamp = Stamp(size=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)
    return Found(path, stamp, found.st_mode)
