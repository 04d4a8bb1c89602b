"""Bytes of a file that a store may take from the kernel's own pages, without copies in between."""

from collections.abc import Iterator
from typing import Protocol

from cryoem_cloud.model.checks import CRC32C, Crc
from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.ports.parts import Buffer, Pieces

__all__ = ["FileSpan", "Watched"]

_PIECE_BYTES = 256 * 1024
"""Read at a time: a core's cache holds it."""


class Watched(Protocol):
    """An open file that is to stay as it was."""

    def opened(self) -> int:
        """Its descriptor.

        Raises:
            SourceChangedError: The file is not what it was.
        """
        ...

    def read(self, start: int, length: int) -> bytes:
        """So many bytes from `start` on; raises as `opened`."""
        ...

    def changed(self) -> SourceChangedError:
        """What says so."""
        ...


class FileSpan(Pieces):
    """`length` bytes of a file from `start` on, whose CRC32C was `check` when they were read.

    The last piece is given only if all have that checksum; else `SourceChangedError` is raised, as
    it is once the file is seen to have changed.
    """

    def __init__(self, file: Watched, start: int, length: int, check: str) -> None:
        self.file = file
        self.start = start
        self.length = length
        self.check = check
        whole, rest = divmod(length, _PIECE_BYTES)
        super().__init__([_PIECE_BYTES] * whole + [rest] * bool(rest), self._piece)

    def __iter__(self) -> Iterator[Buffer]:
        """The pieces in order."""
        crc = Crc(CRC32C)
        for number in range(len(self)):
            piece = self._piece(number)
            crc.update(piece)
            if number == len(self) - 1 and crc.said != self.check:
                raise self.file.changed()
            yield piece

    def require_as_read(self) -> None:
        """See to it that the bytes, read once more, have the same checksum.

        Raises:
            SourceChangedError: They have not.
        """
        for _ in self:
            pass

    def _piece(self, number: int) -> bytes:
        return self.file.read(self.start + number * _PIECE_BYTES, self.sizes[number])
