"""A file that is being sent: read in any order by several threads, and watched for changes."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cryoem_cloud.model.checks import CRC32C, Crc
from cryoem_cloud.model.digest import BlockDigester, block_digest
from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.model.file import Stamp
from cryoem_cloud.mover.cut import Span
from cryoem_cloud.mover.stamp import CHANGED, require_unchanged, stamp_of
from cryoem_cloud.ports.span import FileSpan

__all__ = ["Source"]

_PIECE_BYTES = 256 * 1024


class Source:
    """An open file that has to stay as its stamp says, under its name too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp: Stamp = stamp_of(path)
        self.changed_ns = 0
        """When the file system saw it change last, as it was opened; nobody can put that back."""
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SourceChangedError: It has changed since its stamp was taken.
        """
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.changed_ns = os.fstat(self._descriptor).st_ctime_ns
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
        descriptor = self.opened()
        while view:
            count = os.preadv(descriptor, [view], start)
            if not count:
                raise self._was_cut()
            start += count
            view = view[count:]

    def digested(self, start: int, view: memoryview) -> str:
        """The digest of a block that begins at `start`, which fills the view.

        It is taken of pieces that are still in a core's cache, which is a fifth faster.

        Raises:
            SourceChangedError: The file is not what it was.
        """
        digester = BlockDigester()
        for at in range(0, len(view), _PIECE_BYTES):
            piece = view[at : at + _PIECE_BYTES]
            self.read_into(start + at, piece)
            digester.update(piece)
        return digester.digits

    def spanned(self, blocks: Sequence[Span]) -> tuple[FileSpan, list[str]]:
        """Blocks that follow each other, to be read again when they are sent, and their digests.

        Raises:
            SourceChangedError: The file is not what it was.
        """
        buffer = memoryview(bytearray(_PIECE_BYTES))
        crc, digests = Crc(CRC32C), []
        for block in blocks:
            digester = BlockDigester()
            for at in range(0, block.length, _PIECE_BYTES):
                piece = buffer[: block.length - at]
                self.read_into(block.start + at, piece)
                digester.update(piece)
                crc.update(piece)
            digests.append(digester.digits)
        start, length = blocks[0].start, sum(block.length for block in blocks)
        return FileSpan(self, start, length, crc.said), digests

    def opened(self) -> int:
        """The descriptor.

        Raises:
            SourceChangedError: The file is not what it was.
        """
        require_unchanged(self.path, self._descriptor, self.stamp)
        return self._descriptor

    def read(self, start: int, length: int) -> bytes:
        """So many bytes from `start` on; raises as `opened`."""
        data = os.pread(self.opened(), length, start)
        if len(data) < length:
            raise self._was_cut()
        return data

    def changed(self) -> SourceChangedError:
        """What says that it has changed."""
        return SourceChangedError(f"{self.path} changed while it was read", hint=CHANGED)

    def _was_cut(self) -> SourceChangedError:
        return SourceChangedError(f"{self.path} was cut while it was read", hint=CHANGED)

    def whole(self) -> tuple[bytes, str]:
        """All bytes, of at most a block, and their digest.

        Raises:
            SourceChangedError: The file is not what it was.
        """
        data = os.pread(self._descriptor, self.stamp.size, 0)
        require_unchanged(self.path, self._descriptor, self.stamp)
        if len(data) < self.stamp.size:
            raise self._was_cut()
        return data, block_digest(data)

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
