"""Zstandard: Python's own from 3.14 on, its backport before."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.ports.parts import Buffer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["WINDOW_LOG", "Reader", "frame", "slices", "zstd"]

WINDOW_LOG = 24
"""No frame asks its reader for a longer window than 2^24 bytes, which is a block."""
_SLICE_BYTES = 256 * 1024
_LEVEL = 1
"""2 and 3 take 3 to 6 times as long, and make counts larger (docs/evidence/codec.md)."""
_FILTERED_HASH_LOG = 6
"""The least: filtered bytes hardly ever repeat, so that looking for repeats is lost time."""


def frame(payload: Iterable[Buffer], size: int, *, filtered: bool) -> list[bytes]:
    """One zstd frame of `size` bytes that come in pieces, with its checksum and its size in it."""
    parameter = zstd.CompressionParameter
    options: dict[int, int] = {parameter.compression_level: _LEVEL, parameter.checksum_flag: 1}
    if filtered:
        options[parameter.hash_log] = _FILTERED_HASH_LOG
    compressor = zstd.ZstdCompressor(options=options)
    compressor.set_pledged_input_size(size)
    made = [compressor.compress(piece) for piece in payload]
    made.append(compressor.flush(compressor.FLUSH_FRAME))
    return [piece for piece in made if piece]


def slices(data: Buffer) -> Iterator[memoryview]:
    """Views of it: zstd keeps a copy of what it was given and has not read."""
    view = memoryview(data).cast("B")
    for start in range(0, len(view), _SLICE_BYTES):
        yield view[start : start + _SLICE_BYTES]


class Reader:
    """What a zstd frame holds, read in order. The frame is not trusted.

    Memory is bounded by what is asked for and by the window.
    """

    def __init__(self, pieces: Sequence[Buffer]) -> None:
        limit: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_LOG}
        self._frame = zstd.ZstdDecompressor(options=limit)
        self._pieces = chain.from_iterable(map(slices, pieces))

    def read(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
            CorruptObjectError: There are not so many, or it is no zstd frame.
        """
        found = self._some(size)
        while len(found) < size:
            found += self._some(size - len(found))
        return found

    def _some(self, most: int) -> bytes:
        """At least one byte, unless `most` is 0."""
        found = b""
        try:
            while most and not found:
                if self._frame.eof:
                    raise CorruptObjectError("a stored block holds too few bytes")
                piece = next(self._pieces, None) if self._frame.needs_input else b""
                if piece is None:
                    raise CorruptObjectError("a stored block ends too early")
                found = self._frame.decompress(piece, max_length=most)
        except zstd.ZstdError as error:
            raise CorruptObjectError(f"a stored block is damaged: {error}") from error
        return found

    def close(self) -> None:
        """See to it that the frame has ended, that it is whole, and that nothing comes after it.

        Raises:
            CorruptObjectError: It is not so.
        """
        try:
            more = b""
            while not (self._frame.eof or more):
                piece = next(self._pieces, None) if self._frame.needs_input else b""
                if piece is None:
                    raise CorruptObjectError("a stored block ends too early")
                more = self._frame.decompress(piece, max_length=1)
        except zstd.ZstdError as error:
            raise CorruptObjectError(f"a stored block is damaged: {error}") from error
        if more or self._frame.unused_data or any(len(piece) for piece in self._pieces):
            raise CorruptObjectError("a stored block holds too many bytes")
