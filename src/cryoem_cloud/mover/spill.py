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
from cryoem_cloud.mover.pool import Held
from cryoem_cloud.ports.parts import Buffer, Pieces

__all__ = ["Spill"]

_PIECE_BYTES = 1024 * 1024


class Spill:
    """Bytes one after the other: in memory that is `held` up to `most_bytes`, else in a file.

    The file is in `folder`; without one, or where there is none, where temporary files are kept.
    """

    def __init__(self, held: Held, folder: Path | None, most_bytes: int) -> None:
        self._held = held
        self._folder = str(folder) if folder and folder.is_dir() else gettempdir()
        self._most = most_bytes
        self._file: BinaryIO | None = None
        self._buffers: list[memoryview] = []
        """All full but the last."""
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

    def add(self, pieces: Iterable[Buffer]) -> None:
        """Append these, which need not be kept.

        Raises:
            NoSpaceError: They are not to be in memory, and the disk is full.
        """
        for piece in pieces:
            view = memoryview(piece).cast("B")
            if self._file is None and self.size + len(view) > self._most:
                self._leave_memory()
            if self._file is None:
                self._copy(view)
            else:
                self._write(self._file, (view,))
            self.size += len(view)

    def _copy(self, view: memoryview) -> None:
        start = self.size % _PIECE_BYTES
        while view:
            if not start:
                self._buffers.append(self._held.more(_PIECE_BYTES))
            some = view[: _PIECE_BYTES - start]
            self._buffers[-1][start : start + len(some)] = some
            start = (start + len(some)) % _PIECE_BYTES
            view = view[len(some) :]

    def _leave_memory(self) -> None:
        with _space_in(self._folder):
            self._file = TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        self._write(self._file, self._in_memory())
        self._buffers.clear()
        self._held.drop_more()

    def _in_memory(self) -> list[memoryview]:
        starts = range(0, self.size, _PIECE_BYTES)
        pairs = zip(self._buffers, starts, strict=True)
        return [buffer[: self.size - start] for buffer, start in pairs]

    def pieces(self) -> Sequence[Buffer]:
        """All of them, once nothing more is added."""
        if self._file is None:
            return self._in_memory()
        starts = range(0, self.size, _PIECE_BYTES)
        sizes = [min(_PIECE_BYTES, self.size - start) for start in starts]
        descriptor = self._file.fileno()
        return Pieces(sizes, lambda n: os.pread(descriptor, sizes[n], starts[n]))

    def _write(self, file: BinaryIO, pieces: Iterable[memoryview]) -> None:
        with _space_in(self._folder):
            for piece in pieces:
                view = piece
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
