"""Rights in a folder that several people write: its top folder's count, and nobody's umask.

Couriers and machines live on, with the umask of the shell that happened to start them. What they
make in a store of several people must be open to the others all the same.
"""

import errno
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from cryoem_cloud.stores.exclusive import BESIDE

__all__ = ["make_folder", "share"]

_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY})


def share(path: Path, top: Path) -> None:
    """Give `path`, just made, to those whom `top` lets write.

    That is `top`'s group, where `path` is of the same one, and everybody, where they may write into
    `top`. Nobody loses a right, and where only the owner may write into `top`, nothing changes.
    """
    mode, given = path.stat().st_mode, _given(path, top)
    if mode | given != mode:
        with suppress(PermissionError):  # file systems without rights of their own, as CIFS
            path.chmod(stat.S_IMODE(mode) | given)


def make_folder(folder: Path, top: Path) -> None:
    """See to it that `folder`, at or below `top`, is there; it has its rights when it appears.

    Raises:
        NotADirectoryError: A file is in the way.
    """
    if folder == top:
        top.mkdir(parents=True, exist_ok=True)
        return
    if folder.is_dir():
        return
    make_folder(folder.parent, top)
    beside = folder.with_name(f"{BESIDE}{secrets.token_hex(12)}")
    beside.mkdir()
    try:
        share(beside, top)
        beside.rename(folder)
    except OSError as error:
        if error.errno not in _TAKEN:  # another has made it, and put something into it
            raise
    finally:
        with suppress(OSError):
            beside.rmdir()


def _given(path: Path, top: Path) -> int:
    made, rule = path.stat(), top.stat()
    group = rule.st_mode & stat.S_IWGRP and made.st_gid == rule.st_gid
    given = rule.st_mode & stat.S_IRWXG if group else 0
    if rule.st_mode & stat.S_IWOTH:
        given |= rule.st_mode & stat.S_IRWXO
    return given if stat.S_ISDIR(made.st_mode) else given & ~0o111
