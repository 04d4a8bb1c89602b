"""A directory as a store: an object is a file at its key's path.

Objects are written beside (in the folder `#parts`; no key has a `#`) and then linked or renamed
into place, so that they are whole or absent. Put-if-absent is `link`, which is atomic on NFS too;
where the file system has no hard links, or none between folders (AFS, BeeGFS before 7.4), it is
`link` within the folder or a rename that does not replace; where it has neither, the store says
so, because without one of them two machines could both win a turn.

After a loss of power: what `put` wrote is on the disk (file and folder are synced; measured at
0.8 ms, against 0.05 ms without). These are the records, and a record that is cut short would stop
a job for good. What `put_stream` and `clone_in` wrote may be lost or damaged if it is younger than
the system's write-back (half a minute): syncing gigabytes of maps would cost more than it saves,
readers check every digest, and a task can be done again.

What is made has rights by the root's, and by no umask, where others may write (`shared`).
Nothing is ever a hard link to a file outside the store. A file system that takes `A` and `a` for
one name (macOS) holds only one of two such keys: the second put-if-absent finds the key taken.
"""

import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectExistsError,
    ObjectMissingError,
    SettingsError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.meter import UNMETERED, Meter
from cryoem_cloud.ports.store import Listed, Properties, Told
from cryoem_cloud.stores.cloned import cloned
from cryoem_cloud.stores.disk import fault, pieces, sweep, sync_folder, write_all
from cryoem_cloud.stores.exclusive import BESIDE, name_exclusively
from cryoem_cloud.stores.folders import in_the_way, remove_empty, scan, walk
from cryoem_cloud.stores.lawful import lawful
from cryoem_cloud.stores.shared import make_folder, share

__all__ = ["DirectoryStore", "open_directory"]

_PARTS = f"{BESIDE}parts"
_ANEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class DirectoryStore:
    """Objects as files below `root`, which is made when the first object is.

    A root that has been mounted and then vanished reads as unreachable, not as empty: a store
    that was seen once must exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts = root / _PARTS
        self._seen = os.path.isdir(self._parts)  # noqa: PTH112  (one that is denied raises later)
        self._swept = False

    @property
    def url(self) -> str:
        """`file://` and the absolute path."""
        return self.root.as_uri()

    @property
    def properties(self) -> Properties:
        """Local; clones are tried where the kernel knows them."""
        return Properties(local=True, clones=sys.platform == "linux")

    @property
    def parts(self) -> None:
        """See the port; files go as they are here."""
        return None

    @property
    def classes(self) -> None:
        """See the port; there is one for all."""
        return None

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port; on the disk when it returns."""
        with self._beside(key) as beside:
            with self._translated(key), beside.open("xb", buffering=0) as file:
                write_all(file.fileno(), data)
                os.fsync(file.fileno())
            self._place(beside, key, if_absent=if_absent)
            with self._translated(key):
                sync_folder(self._path(key).parent)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port."""
        if if_absent and self._path(key).is_file():  # before anything large is written in vain
            raise ObjectExistsError(f"{key} exists already in {self.url}")
        with self._beside(key) as beside:
            with self._translated(key):
                descriptor = os.open(beside, _ANEW, 0o666)
            try:
                written = 0
                for chunk in chunks:  # their errors are the caller's own and stay what they are
                    with self._translated(key):
                        write_all(descriptor, chunk)
                    written += len(chunk)
            finally:
                os.close(descriptor)
            if written != size:
                raise StoreError(f"{key}: {size} bytes were announced, {written} came")
            self._place(beside, key, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        with self._reading(key) as (descriptor, size):
            left = max(0, size - start)
            return b"".join(
                pieces(descriptor, start, left if length is None else min(length, left))
            )

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        with self._reading(key) as (descriptor, size):
            wanted = max(0, size - start) if length is None else length
            for piece in pieces(descriptor, start, wanted):
                wanted -= len(piece)
                yield piece
            if wanted:
                raise CorruptObjectError(f"{key} in {self.url} is {wanted} bytes too short")

    def size(self, key: str) -> int:
        """See the port."""
        with self._reading(key) as (_, size):
            return size

    def told(self, key: str) -> Told:
        """See the port; a disk keeps no checksums."""
        return Told(self.size(key))

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        folder, _, _ = prefix.rpartition("/")
        with self._translated(prefix):
            self._must_be_there()
            found = [
                listed
                for listed in walk(self.root, folder)
                if listed.key.startswith(prefix) and listed.key.encode() > after.encode()
            ]
        yield from sorted(found, key=lambda listed: listed.key.encode())

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        with self._translated(prefix):
            self._must_be_there()
            found = [
                item.name
                for item in scan(self.root, prefix.rstrip("/"))
                if item.is_dir(follow_symlinks=False) and any(walk(self.root, prefix + item.name))
            ]
        yield from sorted(found, key=os.fsencode)

    def delete(self, key: str) -> None:
        """See the port; folders that become empty are removed."""
        path = self._path(key)
        with self._translated(key):
            self._must_be_there()
            with suppress(*_NO_FILE):
                if stat.S_ISDIR(path.lstat().st_mode):
                    return
                path.unlink()
        remove_empty(path.parent, self.root)

    def clone_in(self, path: Path, key: str) -> bool:
        """See the port."""
        with path.open("rb"):  # the file's own errors stay what they are
            pass
        with self._beside(key) as beside:
            with self._translated(key):
                if not cloned(path, beside):
                    return False
            self._place(beside, key, if_absent=True)
        return True

    def clone_out(self, key: str, path: Path) -> bool:
        """See the port."""
        with self._reading(key):
            pass
        return cloned(self._path(key), path)

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*lawful(key).split("/"))

    def _must_be_there(self) -> None:
        seen = self._seen  # first: another thread may be making it just now
        if self._parts.is_dir():
            self._seen = True
        elif seen:
            raise StoreUnreachableError(
                f"the store's folder {self.root} is not there", hint="is its disk mounted?"
            )

    @contextmanager
    def _beside(self, key: str) -> Iterator[Path]:
        lawful(key)
        with self._translated(key):
            self._must_be_there()
            if not self._seen:  # one that was there is never made anew, be it away since an instant
                make_folder(self._parts, self.root)
                self._seen = True
        if not self._swept:
            self._swept = True
            sweep(self._parts)
        beside = self._parts / secrets.token_hex(12)
        try:
            yield beside
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _place(self, beside: Path, key: str, *, if_absent: bool) -> None:
        path = self._path(key)
        for _ in range(100):  # a deleter may take an empty folder away between the two calls
            with self._translated(key):
                try:
                    share(beside, self.root)
                    make_folder(path.parent, self.root)
                    if if_absent:
                        name_exclusively(beside, path)
                    else:
                        beside.replace(path)
                except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
                    if not in_the_way(path, self.root):
                        raise ObjectExistsError(f"{key} exists already in {self.url}") from error
                except FileNotFoundError:
                    self._must_be_there()
                else:
                    return
        raise StoreUnreachableError(f"{path.parent} does not stay")

    @contextmanager
    def _reading(self, key: str) -> Iterator[tuple[int, int]]:
        with self._translated(key):
            self._must_be_there()
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        try:
            with self._translated(key):
                found = os.fstat(descriptor)
                if stat.S_ISDIR(found.st_mode):
                    raise IsADirectoryError(key)
                yield descriptor, found.st_size
        finally:
            os.close(descriptor)

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except _NO_FILE as error:
            self._must_be_there()
            raise ObjectMissingError(f"there is no {key} in {self.url}") from error
        except OSError as error:
            raise fault(error, key, self.url) from error


def open_directory(
    url: str,
    *,
    env: Mapping[str, str],  # noqa: ARG001
    meter: Meter = UNMETERED,  # noqa: ARG001
) -> DirectoryStore:
    """The store at a file:// URL, which charges for nothing; any bytes are possible in its path."""
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise SettingsError(f"{url!r} names no folder of this computer", hint="file:///folder")
    return DirectoryStore(Path(os.fsdecode(unquote_to_bytes(parts.path))))
