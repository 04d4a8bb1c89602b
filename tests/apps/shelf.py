"""A project in memory, as a view."""

import errno
import io
import os
import posixpath
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from cryoem_cloud.model.file import Kind

__all__ = ["Shelf"]


class Shelf:
    """A view of files that are nowhere on a disk. `hidden` files can only be opened by name."""

    def __init__(
        self, files: Mapping[str, bytes], hidden: Mapping[str, bytes] | None = None
    ) -> None:
        self._files = dict(files)
        self._hidden = dict(hidden or {})

    def put(self, path: str, data: bytes) -> None:
        """A file has other bytes from now on."""
        self._files[path] = data

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        if path in self._files:
            return Kind.FILE
        start = "" if path in {"", "."} else f"{posixpath.normpath(path)}/"
        return Kind.FOLDER if any(file.startswith(start) for file in self._files) else None

    def open(self, path: str) -> BinaryIO:
        """See the port."""
        for files in (self._files, self._hidden):
            if path in files:
                return io.BytesIO(files[path])
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        start = "" if folder in {"", "."} else f"{posixpath.normpath(folder)}/"
        below = {file.removeprefix(start) for file in self._files if file.startswith(start)}
        return sorted({name.partition("/")[0] for name in below}, key=os.fsencode)

    def link(self, path: str) -> str:
        """See the port; there are none."""
        return ""
