"""The rights of what is made at home: as if the submitter's own programs had made it."""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Rights"]

_FILE, _FOLDER = 0o666, 0o777
_SPECIAL = 0o7000
"""Set-group-id is what a folder has from the one that it is in."""
_DEFAULT_ACL = "system.posix_acl_default"


@dataclass(frozen=True, slots=True)
class Rights:
    """By the submitter's `umask`, or by this process's own where theirs is not known (None).

    A folder with a default access list (ACL) says itself what those in it get, as everywhere.
    """

    umask: int | None

    def opened(self, path: Path, flags: int) -> int:
        """A descriptor of a file, which is made if it is not there; what is there keeps its rights.

        Raises:
            OSError: Also where the path is a link.
        """
        flags |= os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, self._masked(_FILE))
        except FileExistsError:
            return os.open(path, flags)
        if self.umask is not None and not _rules_itself(path.parent):
            os.fchmod(descriptor, self._masked(_FILE))
        return descriptor

    def make_folder(self, path: Path) -> None:
        """Make a folder.

        Raises:
            FileExistsError: There is something.
        """
        path.mkdir(self._masked(_FOLDER))
        if self.umask is not None and not _rules_itself(path.parent):
            special = stat.S_IMODE(path.lstat().st_mode) & _SPECIAL
            path.chmod(special | self._masked(_FOLDER))

    def touch(self, path: Path) -> None:
        """Make an empty file, or make a file look new."""
        descriptor = self.opened(path, os.O_WRONLY)
        try:
            os.utime(descriptor)
        finally:
            os.close(descriptor)

    def _masked(self, mode: int) -> int:
        return mode & ~(self.umask or 0)


def _rules_itself(folder: Path) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(os.getxattr(folder, _DEFAULT_ACL))
    except OSError:
        return False
