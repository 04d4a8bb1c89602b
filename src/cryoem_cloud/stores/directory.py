"""A directory as a store: an object is a file at its key's path.

Objects are written beside (`.cryoem-part-…` in the store's root) and then linked or renamed into
place, so that they are whole or absent; `link` is what makes put-if-absent atomic, on NFS too.
Nothing is ever a hard link to a file outside the store.
"""

import errno
import fcntl
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryoem_cloud.model.errors import (
    NoSpaceError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.store import CHUNK_BYTES, Listed, Properties

__all__ = ["DirectoryStore"]

_PARTS = ".cryoem-parts"
_FICLONE = 0x40049409
"""The Linux request to share blocks between files; linux/fs.h."""


class DirectoryStore:
    """Objects as files below `root`, which is made when the first object is.

    A parent that has been mounted and then vanished reads as unreachable, not as empty: a store
    whose root existed once must exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen = root.is_dir()

    @property
    def url(self) -> str:
        """`file://` and the absolute path."""
        return self.root.as_uri()

    @property
    def properties(self) -> Properties:
        """Local; clones are tried where the kernel knows them."""
        return Properties(local=True, clones=sys.platform == "linux")

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self.put_stream(key, (data,), size=len(data), if_absent=if_absent)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port."""
        with self._beside(key) as beside:
            written = 0
            with beside.open("xb", buffering=0) as file:
                for chunk in chunks:
                    view = memoryview(chunk)
                    while view:
                        done = file.write(view) or 0
                        view, written = view[done:], written + done
            if written != size:
                raise StoreError(f"{key}: {size} bytes were announced, {written} came")
            self._place(beside, key, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        with self._reading(key) as descriptor:
            size = os.fstat(descriptor).st_size
            wanted = max(0, size - start) if length is None else length
            return os.pread(descriptor, wanted, start)

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        with self._reading(key) as descriptor:
            left = os.fstat(descriptor).st_size - start if length is None else length
            while left > 0:
                chunk = os.pread(descriptor, min(left, CHUNK_BYTES), start)
                if not chunk:
                    raise StoreError(f"{key} in {self.url} is shorter than expected")
                start, left = start + len(chunk), left - len(chunk)
                yield chunk

    def size(self, key: str) -> int:
        """See the port."""
        with self._reading(key) as descriptor:
            return os.fstat(descriptor).st_size

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        folder, _, _ = prefix.rpartition("/")
        found = self._walk(folder, f"{folder}/" if folder else "")
        picked = (
            listed
            for listed in found
            if listed.key.startswith(prefix) and listed.key.encode() > after.encode()
        )
        yield from sorted(picked, key=lambda listed: listed.key.encode())

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        for item in sorted(self._scan(prefix.rstrip("/")), key=lambda item: os.fsencode(item.name)):
            if item.is_dir() and item.name != _PARTS:
                yield item.name

    def delete(self, key: str) -> None:
        """See the port; folders that become empty are removed."""
        path = self._path(key)
        with self._translated(key), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
            for folder in path.parents:
                if folder == self.root:
                    break
                folder.rmdir()

    def clone_in(self, path: Path, key: str) -> bool:
        """See the port."""
        with self._beside(key) as beside:
            if not _cloned(path, beside):
                return False
            self._place(beside, key, if_absent=True)
        return True

    def clone_out(self, key: str, path: Path) -> bool:
        """See the port."""
        return _cloned(self._path(key), path)

    def _path(self, key: str) -> Path:
        segments = key.split("/")
        if not all(segments) or any(part in {".", "..", _PARTS} for part in segments):
            raise StoreError(f"{key!r} is not a key")
        return self.root.joinpath(*segments)

    @contextmanager
    def _beside(self, key: str) -> Iterator[Path]:
        parts = self.root / _PARTS
        with self._translated(key):
            if self._seen and not self.root.is_dir():
                raise StoreUnreachableError(
                    f"the store's folder {self.root} is not there", hint="is its disk mounted?"
                )
            parts.mkdir(parents=True, exist_ok=True)
            self._seen = True
            beside = parts / secrets.token_hex(12)
            try:
                yield beside
            finally:
                beside.unlink(missing_ok=True)

    def _place(self, beside: Path, key: str, *, if_absent: bool) -> None:
        path = self._path(key)
        for _ in range(100):  # a deleter may take an empty folder away between the two calls
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                if if_absent:
                    os.link(beside, path)
                else:
                    beside.replace(path)
                return
        raise StoreUnreachableError(f"{path.parent} does not stay")

    @contextmanager
    def _reading(self, key: str) -> Iterator[int]:
        with self._translated(key):
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            if self._seen and not self.root.is_dir():
                raise StoreUnreachableError(
                    f"the store's folder {self.root} is not there", hint="is its disk mounted?"
                ) from error
            raise ObjectMissingError(f"there is no {key} in {self.url}") from error
        except FileExistsError as error:
            raise ObjectExistsError(f"{key} exists already in {self.url}") from error
        except OSError as error:
            raise _fault(error, key, self.url) from error

    def _scan(self, folder: str) -> Iterator[os.DirEntry[str]]:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.root / folder) as it:
            yield from it

    def _walk(self, folder: str, stem: str) -> Iterator[Listed]:
        for item in self._scan(folder):
            if item.name == _PARTS and not folder:
                continue
            if item.is_dir(follow_symlinks=False):
                yield from self._walk(f"{stem}{item.name}", f"{stem}{item.name}/")
            else:
                with suppress(FileNotFoundError):
                    yield Listed(stem + item.name, item.stat().st_size)


_FAULTS = {
    errno.ENOSPC: NoSpaceError,
    errno.EDQUOT: NoSpaceError,
    errno.EACCES: StoreDeniedError,
    errno.EPERM: StoreDeniedError,
    errno.EROFS: StoreDeniedError,
}


def _fault(error: OSError, key: str, url: str) -> Exception:
    kind = _FAULTS.get(error.errno or 0, StoreUnreachableError)
    hint = "free some space there, or choose another store" if kind is NoSpaceError else ""
    return kind(f"{url}: {key}: {error.strerror}", hint=hint)


def _cloned(source: Path, target: Path) -> bool:
    if sys.platform != "linux":
        return False
    with source.open("rb") as have, target.open("xb") as want:
        try:
            fcntl.ioctl(want.fileno(), _FICLONE, have.fileno())
        except OSError:
            target.unlink()
            return False
    return True
