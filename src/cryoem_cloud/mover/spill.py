"""A part that may be too large for memory: what is more lies in a file without a name."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from types import TracebackType
from typing import BinaryIO, Self

from cryoem_cloud.model.errors import NoSpaceError
from cryoem_cloud.ports.parts import Buffer, Pieces

__all__ = ["Spill"]

_PIECE_BYTES = 1024 * 1024


class Spill:
    """Bytes one after the other: in memory up to `most_bytes`, else in a file in `folder`.

    Without a folder, or where there is none, the file is where temporary files are kept.
    """

    def __init__(self, folder: Path | None, most_bytes: int) -> None:
        self._folder = str(folder) if folder and folder.is_dir() else gettempdir()
        self._most = most_bytes
        self._file: BinaryIO | None = None
        self._held: list[Buffer] = []
        self.size = 0

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing of it is left."""
        if self._file is not None:
            self._file.close()

    @property
    def in_memory(self) -> int:
        """Bytes that are."""
        return 0 if self._file else self.size

    def add(self, pieces: Sequence[Buffer]) -> None:
        """Append these.

        Raises:
            NoSpaceError: They do not fit into memory, and the disk is full.
        """
        self._held += pieces
        self.size += sum(map(len, pieces))
        if self.in_memory > self._most or self._file:
            with _space_in(self._folder):
                self._file = self._file or TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
                _write(self._file, self._held)
            self._held.clear()

    def pieces(self) -> Sequence[Buffer]:
        """All of them, once nothing more is added."""
        if self._file is None:
            return self._held
        starts = range(0, self.size, _PIECE_BYTES)
        sizes = [min(_PIECE_BYTES, self.size - start) for start in starts]
        descriptor = self._file.fileno()
        return Pieces(sizes, lambda n: os.pread(descriptor, sizes[n], starts[n]))


def _write(file: BinaryIO, pieces: Iterable[Buffer]) -> None:
    for piece in pieces:
        view = memoryview(piece)
        while view:
            view = view[file.write(view) :]


@contextmanager
def _space_in(folder: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        said = f"{folder} is full, where parts of very large files wait to be sent"
        hint = "free some space there, or use --codec none"
        raise NoSpaceError(said, hint=hint) from error
