"""Room for what a machine sends: what the same job brought home gives way, the user's does not."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.courier.homeward.rights import Rights
from cryoem_cloud.courier.homeward.ways import inside, leading
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.paths import is_below

__all__ = ["Room", "mark_of", "possible"]

_NO_PLACE = frozenset(
    {
        errno.EEXIST,
        errno.EFBIG,
        errno.EILSEQ,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.ENOTEMPTY,
    }
)
"""What systems say of names and places that are impossible, today and tomorrow."""


def mark_of(entry: Entry) -> str:
    """What is noted of a delivered path, so that the same is not delivered again."""
    return entry.content.digest if entry.content else f"{entry.kind.value} {entry.target}"


@contextmanager
def possible(path: str) -> Iterator[None]:
    """Work at a project's path.

    Raises:
        RefusedError: The system says that there can be no such place.
        OSError: Any other trouble; it names a file.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_PLACE:
            error.filename = error.filename or path
            raise
        raise RefusedError(f"{path!r} cannot be placed: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Room:
    """The project's folder `top`, and by path what the job has delivered there so far.

    `rights` are those of folders that have to be made. Below the job's `outputs` no link is
    followed; at and above them, they are the user's.
    """

    top: Path
    outputs: Sequence[str]
    known: Mapping[str, str]
    rights: Rights

    def make(self, entry: Entry, output: str) -> None:
        """See to it that the entry can be put in its place, below the job's folder `output`.

        The folders that lead to it are there then, and it itself if it is one; `output` is not
        made, as the user may move it.
        Nothing of another kind is in its place, unless a file and a link, which replace each other.

        Raises:
            RefusedError: Something that this job did not deliver is in the way.
        """
        for folder in leading(entry.path):
            if folder != output and is_below(folder, output) and not _is_folder(self.top / folder):
                self._clear(folder)
                self._make_folder(self.top / folder)
        if _is_folder(self.top / entry.path) != (entry.kind is Kind.FOLDER):
            self._clear(entry.path)
            if entry.kind is Kind.FOLDER:
                self._make_folder(self.top / entry.path)

    def holds(self, entry: Entry) -> bool:
        """Whether a folder is in its place, for a folder, and a file or link for anything else."""
        path = self.top / entry.path
        if self.behind_link(entry.path) or not os.path.lexists(path):
            return False
        return _is_folder(path) == (entry.kind is Kind.FOLDER)

    def holds_same(self, entry: Entry) -> bool:
        """Whether a file is in its place that is the entry's, by size and time."""
        is_file = entry.kind is Kind.FILE and self.holds(entry)
        return is_file and not (self.top / entry.path).is_symlink() and not self.holds_other(entry)

    def holds_other(self, entry: Entry) -> bool:
        """Whether a file is in its place that is not the entry's, by size and time."""
        try:
            found = (self.top / entry.path).lstat()
        except (OSError, ValueError):
            return False
        theirs = (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns)
        return stat.S_ISREG(found.st_mode) and theirs

    def date(self, entry: Entry) -> None:
        """Give a file of its size in its place the entry's time."""
        path, times = self.top / entry.path, (entry.mtime_ns, entry.mtime_ns)
        with suppress(FileNotFoundError):
            dated_otherwise = entry.kind is Kind.FILE and self.holds_other(entry)
            if dated_otherwise and path.lstat().st_size == entry.size:
                os.utime(path, ns=times, follow_symlinks=False)

    def behind_link(self, path: str) -> bool:
        """Whether a folder below the job's that leads to it is a link: it lies elsewhere then."""
        return any((self.top / folder).is_symlink() for folder in inside(path, self.outputs))

    def remove(self, path: str) -> None:
        """Remove a file or link, or a folder unless something is in it; none behind a link."""
        if self.behind_link(path):
            return
        place = self.top / path
        with suppress(NotADirectoryError):
            if _is_folder(place):
                with suppress(OSError):
                    place.rmdir()
            else:
                place.unlink(missing_ok=True)

    def _clear(self, path: str) -> None:
        """Remove what lies under a path with all below it, or nothing of that."""
        things = list(_things(self.top / path))
        above = {folder for known in self.known for folder in leading(known)}
        for thing in things:
            name = str(thing.relative_to(self.top))
            if name not in self.known and not (_is_folder(thing) and name in above):
                raise RefusedError(f"{name} is in the way, which this job did not make")
        for thing in things:
            if _is_folder(thing):
                thing.rmdir()
            else:
                thing.unlink(missing_ok=True)

    def _make_folder(self, place: Path) -> None:
        try:
            self.rights.make_folder(place)
        except FileExistsError:  # by the user, just now
            if not _is_folder(place):
                raise


def _things(place: Path) -> Iterator[Path]:
    """What lies there, if anything, after all that lies below it."""
    if _is_folder(place):
        for inside in sorted(place.iterdir()):
            yield from _things(inside)
    if os.path.lexists(place):
        yield place


def _is_folder(place: Path) -> bool:
    """Whether it is a folder itself, and no link to one."""
    try:
        return stat.S_ISDIR(place.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
