"""Giving a file its name only where no file has that name yet, in one step."""

import ctypes
import errno
import os
import sys
from pathlib import Path

__all__ = ["CANNOT_LINK", "rename_exclusive"]

CANNOT_LINK = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}
)
"""What `link` says where the file system has no hard links, or none between folders."""

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCL = 4


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
