"""Finds the blocks in an encoded object of which there is no entry.

https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from cryoem_cloud.model.digest import Digester, block_digest
from cryoem_cloud.model.errors import CorruptObjectError, ObjectMissingError
from cryoem_cloud.model.file import BLOCK_BYTES, Part

if TYPE_CHECKING:
    from cryoem_cloud.mover.codec import Gain

__all__ = ["frames_in", "rows_if_same"]

_FRAME, _RECIPE, _SKIPPED = 0xFD2FB528, 0x184D2A5C, range(0x184D2A50, 0x184D2A60)
_HEAD = struct.Struct("<II")
_MOST_BYTES = 2 * BLOCK_BYTES
"""Of a frame; no block of ours has a longer one."""
_DICTIONARY_BYTES = (0, 1, 2, 4)
_SIZE_BYTES = (0, 2, 4, 8)
_RLE, _RESERVED = 1, 3


def rows_if_same(
    chunks: Iterable[bytes], mine: Digester, gain_of: Callable[[str], "Gain"]
) -> tuple[tuple[Part, ...], str] | None:
    """Where the blocks of an encoded object lie, if they are those of a file that was digested.

    None with the first block that is another one. `chunks` are the object's bytes. With them the
    name of the gain that they need, or "".
    """
    from cryoem_cloud.mover.codec import decode_into, told  # noqa: PLC0415  (needs NumPy)

    rows: list[Part] = []
    name, gain = "", None
    buffer = memoryview(bytearray(BLOCK_BYTES))
    wanted = mine.blocks() or (mine.digest.partition(":")[2],)
    try:
        for at, stored in frames_in(chunks):
            start = len(rows) * BLOCK_BYTES
            raw = buffer[: min(BLOCK_BYTES, mine.size - start)]
            if len(rows) == len(wanted):
                return None
            needed = told(stored)[1]
            if needed and needed != name:
                name, gain = needed, gain_of(needed)
            decode_into(stored, raw, gain=gain)
            if block_digest(raw) != wanted[len(rows)]:
                return None
            rows.append(Part(start, len(raw), at, len(stored)))
    except (CorruptObjectError, ObjectMissingError):  # not encoded, by somebody else, no gain
        return None
    return (tuple(rows), name) if len(rows) == len(wanted) else None


def frames_in(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The places of the stored blocks, and these: zstd frames, with a recipe in front or without.

    Raises:
        CorruptObjectError: There is something else in between.
    """
    reader = _Reader(chunks)
    recipe = b""
    while head := reader.peek(_HEAD.size):
        if len(head) < _HEAD.size:
            raise CorruptObjectError("an encoded object ends too early")
        magic, length = _HEAD.unpack(head)
        at = reader.at - len(recipe)
        if magic == _FRAME:
            yield at, recipe + reader.frame()
            recipe = b""
        elif magic in _SKIPPED:
            skipped = reader.take(_HEAD.size + length)
            recipe = skipped if magic == _RECIPE else b""
        else:
            raise CorruptObjectError("there is something between the blocks of an object")


class _Reader:
    """Bytes that come in chunks, read in any lengths."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = bytearray()
        self.at = 0

    def peek(self, length: int, *, after: int = 0) -> bytes:
        """The next bytes behind the first `after` ones, or fewer at the end."""
        if after + length > _MOST_BYTES:
            raise CorruptObjectError("a stored block is too large")
        while len(self._held) < after + length and (chunk := next(self._chunks, None)) is not None:
            self._held += chunk
        return bytes(self._held[after : after + length])

    def take(self, length: int) -> bytes:
        """So many bytes."""
        taken = self._all(length)
        del self._held[:length]
        self.at += length
        return taken

    def _all(self, length: int, *, after: int = 0) -> bytes:
        """As `peek`, and not fewer."""
        found = self.peek(length, after=after)
        if len(found) < length:
            raise CorruptObjectError("an encoded object ends too early")
        return found

    def frame(self) -> bytes:
        """A zstd frame, whose blocks say how long they are."""
        flags = self._all(5)[4]
        single = flags >> 5 & 1
        size = _SIZE_BYTES[flags >> 6] or single
        end = 5 + (1 - single) + _DICTIONARY_BYTES[flags & 3] + size
        last = False
        while not last:
            head = int.from_bytes(self._all(3, after=end), "little")
            last, kind, length = bool(head & 1), head >> 1 & 3, head >> 3
            if kind == _RESERVED:
                raise CorruptObjectError("an encoded object is damaged")
            end += 3 + (1 if kind == _RLE else length)
        return self.take(end + 4 * (flags >> 2 & 1))
