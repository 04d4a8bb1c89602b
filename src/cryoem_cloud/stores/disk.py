"""Bytes into files and out of them, and what a disk says when it cannot."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from cryoem_cloud.model.errors import (
    NoSpaceError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.store import CHUNK_BYTES

__all__ = ["fault", "pieces", "sweep", "sync_folder", "write_all"]

_STALE_S = 24 * 3600.0
"""A part that nobody has written to for so long has no writer any more."""


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it; `write` may take less than it is given."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def pieces(descriptor: int, start: int, wanted: int) -> Iterator[bytes]:
    """Up to `wanted` bytes from `start`, CHUNK_BYTES at a time; fewer where the file ends."""
    while wanted > 0 and (piece := os.pread(descriptor, min(wanted, CHUNK_BYTES), start)):
        start, wanted = start + len(piece), wanted - len(piece)
        yield piece


def sync_folder(folder: Path) -> None:
    """See to it that the names in a folder outlast a loss of power, where that can be had."""
    with suppress(FileNotFoundError):  # the object was deleted already, and its folder with it
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with suppress(OSError):  # some file systems sync no folders (EINVAL)
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep(parts: Path) -> None:
    """Remove what killed writers left; ages are taken from the file system's own clock."""
    with suppress(OSError):
        os.utime(parts)
        now = parts.stat().st_mtime
        for part in parts.iterdir():
            with suppress(FileNotFoundError):
                if now - part.stat().st_mtime > _STALE_S:
                    part.unlink()


_CLOSED = (
    "you may not write or read there: change its permissions; a project that several people share "
    "needs a store that all of them may write, see: share a project, in the guide"
)
_FAULTS: Mapping[int, tuple[type[StoreError] | type[NoSpaceError], str]] = {
    errno.ENOSPC: (NoSpaceError, "free some space there, or choose another store"),
    errno.EDQUOT: (NoSpaceError, "your quota there is used up: free some space"),
    errno.EFBIG: (NoSpaceError, "the file system takes no files of that size"),
    errno.EACCES: (StoreDeniedError, _CLOSED),
    errno.EPERM: (StoreDeniedError, _CLOSED),
    errno.EROFS: (StoreDeniedError, "it is mounted read-only"),
    errno.ENAMETOOLONG: (StoreError, "choose a store with a shorter path, or an S3 store"),
}


def fault(error: OSError, key: str, url: str) -> StoreError | NoSpaceError:
    """Our error for what the disk said about a key of the store at `url`."""
    kind, hint = _FAULTS.get(error.errno or 0, (StoreUnreachableError, ""))
    return kind(f"{url}: {key}: {error.strerror}", hint=hint)
