"""A project as its folder on this computer has it."""

import os
import posixpath
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.paths import OUTSIDE

__all__ = ["Here"]


@dataclass(frozen=True, slots=True)
class Here:
    """The folder on disk alone; see ports.view."""

    folder: Path

    def kind(self, path: str) -> Kind | None:
        """See the port. Devices, sockets and pipes are neither files nor folders."""
        try:
            mode = os.stat(self._place(path)).st_mode  # noqa: PTH116  (any text may be a path)
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(mode):
            return Kind.FOLDER
        return Kind.FILE if stat.S_ISREG(mode) else None

    def open(self, path: str) -> BinaryIO:
        """See the port."""
        place = self._place(path)
        mode = os.stat(place).st_mode  # noqa: PTH116  (as above)
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a pipe's reader waits for ever
            raise RefusedError(f"{path} is a device, socket or pipe", hint="give a file instead")
        return Path(place).open("rb")

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        place = self._place(folder)
        try:
            return sorted(os.listdir(place), key=os.fsencode)  # noqa: PTH208  (text, not paths)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return ()
        except OSError as error:
            raise RefusedError(
                f"{place} cannot be read: {error.strerror}",
                hint="make it readable (chmod), or leave it out",
            ) from error

    def link(self, path: str) -> str:
        """See the port."""
        place = self._place(path)
        try:
            target = os.readlink(place)  # noqa: PTH115  (text, not paths)
        except (OSError, ValueError):
            return ""
        named = posixpath.join(posixpath.dirname(place), target)
        if posixpath.basename(named.rstrip("/")) in {"", ".", ".."}:
            whole = os.path.realpath(named)
        else:
            folder, name = posixpath.split(named.rstrip("/"))
            whole = posixpath.join(os.path.realpath(folder), name)
        root = os.path.realpath(self.folder)
        if whole == root:
            return "."
        inside = root.rstrip("/") + "/"
        return whole.removeprefix(inside) if whole.startswith(inside) else OUTSIDE + whole[1:]

    def _place(self, path: str) -> str:
        """Where a path lies on this computer."""
        if path.startswith(OUTSIDE):
            return "/" + path.removeprefix(OUTSIDE)
        return posixpath.join(self.folder, path)
