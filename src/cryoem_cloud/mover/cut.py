"""How a file is cut: into blocks, which are digested and encoded, and parts, which are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import BLOCK_BYTES, Part
from cryoem_cloud.model.units import human_size
from cryoem_cloud.ports.parts import LEAST_PART_BYTES, MOST_PART_BYTES, MOST_PARTS

__all__ = ["Cut", "Span", "cut_of", "may_be_encoded", "missing_bytes", "rows_of"]

_MOST_RATIO = 32
"""Files that shrink by more, such as empty ones, are cut as if by this: a part is what is read,
encoded and sent again after a break."""

_GROWTH = 1.01
"""An encoded block is no larger than this times a block."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a file, in bytes."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Parts, counted from 1, of equally many blocks but the last; blocks are counted from 0."""

    size: int
    blocks_a_part: int

    @property
    def blocks(self) -> int:
        """How many blocks the file has."""
        return ceil(self.size / BLOCK_BYTES)

    @property
    def parts(self) -> int:
        """How many parts it has."""
        return ceil(self.blocks / self.blocks_a_part)

    def block(self, number: int) -> Span:
        """Where a block lies."""
        start = number * BLOCK_BYTES
        return Span(start, min(BLOCK_BYTES, self.size - start))

    def blocks_of(self, part: int) -> range:
        """The blocks of a part."""
        first = (part - 1) * self.blocks_a_part
        return range(first, min(first + self.blocks_a_part, self.blocks))

    def bytes_of(self, part: int) -> int:
        """The raw bytes of a part."""
        return sum(self.block(number).length for number in self.blocks_of(part))


def cut_of(size: int, *, ratio: float = 1.0, name: str = "a file") -> Cut:
    """How a file of `size` bytes is cut whose blocks are `ratio` times smaller once encoded.

    A part has a block or more once it is encoded, so that few requests are made; no part is larger
    than a store takes, and there are no more than it takes.

    Raises:
        RefusedError: No store takes so large a file.
    """
    if size > MOST_PARTS * MOST_PART_BYTES:
        raise RefusedError(
            f"{name} has {human_size(size)}, and a store takes no more in parts than"
            f" {human_size(MOST_PARTS * MOST_PART_BYTES)}",
            hint="cut it into several files",
        )
    needed = ceil(ceil(size / BLOCK_BYTES) / MOST_PARTS)
    return Cut(size, max(1, needed, ceil(min(ratio, _MOST_RATIO))))


def may_be_encoded(cut: Cut) -> bool:
    """Whether its parts are small enough for a store even if they grow when they are encoded."""
    return cut.blocks_a_part * BLOCK_BYTES * _GROWTH <= MOST_PART_BYTES


def missing_bytes(stored: int, *, last: bool) -> int:
    """What a part of `stored` bytes lacks that a store asks of every part but the last."""
    return 0 if last else max(0, LEAST_PART_BYTES - stored)


def rows_of(cut: Cut, lengths: Sequence[Sequence[int]], sizes: Sequence[int]) -> tuple[Part, ...]:
    """Where each block lies in the object, from the blocks' stored lengths and the parts' sizes.

    Both are by part; what a part has beyond its blocks is padding.
    """
    rows: list[Part] = []
    part_start = 0
    for part, size in enumerate(sizes, start=1):
        at = part_start
        for block, length in zip(cut.blocks_of(part), lengths[part - 1], strict=True):
            span = cut.block(block)
            rows.append(Part(span.start, span.length, at, length))
            at += length
        part_start += size
    return tuple(rows)
