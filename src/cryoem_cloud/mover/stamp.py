"""What a file is now, and whether it still is."""

import os
import stat
from pathlib import Path

from cryoem_cloud.model.errors import RefusedError, SourceChangedError
from cryoem_cloud.model.file import Stamp

__all__ = ["CHANGED", "require_unchanged", "stamp_from", "stamp_of"]

CHANGED = "nothing of it was stored; send it again once no program writes it"


def stamp_of(path: Path) -> Stamp:
    """The stamp of a regular file, or of the one that a link leads to.

    Raises:
        FileNotFoundError: There is none.
        RefusedError: It is a device, a socket or a pipe.
    """
    return stamp_from(path, path.stat())


def require_unchanged(path: Path, descriptor: int, stamp: Stamp) -> None:
    """See to it that an open file is still as `stamp` says.

    Raises:
        SourceChangedError: It was written, cut or replaced.
    """
    if stamp_from(path, os.fstat(descriptor)) != stamp:
        raise SourceChangedError(f"{path} changed while it was read", hint=CHANGED)


def stamp_from(path: Path, found: os.stat_result) -> Stamp:
    """The stamp of a regular file, by what `stat` says.

    Raises:
        RefusedError: It is something else.
    """
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError(
            f"{path} is not a regular file, so its bytes cannot be sent",
            hint="devices, sockets, pipes and folders are not inputs",
        )
    return Stamp(size=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)
