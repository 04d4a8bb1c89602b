"""A file that is being sent: read in any order by several threads, and watched for changes."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.model.file import Stamp
from cryoem_cloud.mover.stamp import CHANGED, require_unchanged, stamp_of

__all__ = ["Source"]


class Source:
    """An open file that has to stay as its stamp says, under its name too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp: Stamp = stamp_of(path)
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SourceChangedError: It has changed since its stamp was taken.
        """
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            require_unchanged(self.path, self._descriptor, self.stamp)
        except BaseException:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        os.close(self._descriptor)

    def read_into(self, start: int, view: memoryview) -> None:
        """Fill the view with the bytes from `start` on.

        Raises:
            SourceChangedError: The file is not what it was.
        """
        require_unchanged(self.path, self._descriptor, self.stamp)
        while view:
            count = os.preadv(self._descriptor, [view], start)
            if not count:
                raise SourceChangedError(f"{self.path} was cut while it was read", hint=CHANGED)
            start += count
            view = view[count:]

    def sample(self, start: int, length: int) -> bytes:
        """Up to so many bytes from `start` on."""
        return os.pread(self._descriptor, length, start)

    def require_unchanged(self) -> None:
        """See to it that neither the file nor what its name leads to has changed.

        Raises:
            SourceChangedError: It was written, cut, replaced or removed.
        """
        require_unchanged(self.path, self._descriptor, self.stamp)
        try:
            found = stamp_of(self.path)
        except OSError as error:
            said = f"{self.path} went away while it was read"
            raise SourceChangedError(said, hint=CHANGED) from error
        if found != self.stamp:
            raise SourceChangedError(f"{self.path} was replaced while it was read", hint=CHANGED)
