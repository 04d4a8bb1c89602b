"""Giving a file its name only where no file has that name yet, in one step."""

import ctypes
import errno
import os
import sys
from pathlib import Path

from cryoem_cloud.model.errors import StoreError

__all__ = ["BESIDE", "name_exclusively", "rename_exclusive"]

BESIDE = "#"
"""What the names of files that are not in their place yet start with; it is in no key."""

_CANNOT_LINK = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}
)
"""What `link` says where the file system has no hard links, or none between folders."""

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCL = 4


def name_exclusively(beside: Path, path: Path) -> None:
    """Give `beside` the name `path`; of any number of callers one succeeds.

    Raises:
        FileExistsError: The name is taken.
        StoreError: The file system cannot do this.
    """
    try:
        os.link(beside, path)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
    else:
        return
    near = path.with_name(BESIDE + beside.name)
    beside.rename(near)
    try:
        _link_or_rename(near, path)
    finally:
        near.unlink(missing_ok=True)


def _link_or_rename(near: Path, path: Path) -> None:
    try:
        os.link(near, path)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
    else:
        return
    try:
        rename_exclusive(near, path)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EINVAL, *_CANNOT_LINK}:
            raise
        raise StoreError(
            f"the file system of {path.parent} can neither link files nor rename without "
            "replacing, so that two machines could both take a task",
            hint="put the store on a local disk, on NFS or Lustre, or use an S3 store",
        ) from error


def rename_exclusive(source: Path, target: Path) -> None:
    """Rename, unless something is at `target`; atomic.

    Raises:
        FileExistsError: Something is there.
        OSError: The system or the file system cannot do that (ENOSYS, EINVAL, ENOTSUP), or any
            other reason for which a rename fails.
    """
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(source), os.fsencode(target)
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(*names, _RENAME_EXCL)
        else:
            failed = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE)
    except AttributeError:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(target)) from None
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))
