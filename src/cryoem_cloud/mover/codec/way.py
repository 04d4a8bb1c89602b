"""The ways in which the blocks of a file are encoded: a filter that knows micrographs, then zstd.

What each makes of a block's bytes is in docs/reference/stored-files.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from cryoem_cloud.model.record import JSON
from cryoem_cloud.ports.parts import Buffer

__all__ = ["CODEC_NAMES", "RAW", "VERSION", "ZSTD", "Choice", "Gain", "Way"]

_ITEM = 4
VERSION = 1
"""Of the block format: the newest that this program reads, and the one that it writes."""
CODEC_NAMES = ("blocks", "zstd")
"""In an entry's `codec`: `["blocks", {"version": 1}]`, each block with its recipe in front, or
`["zstd", {}]`, each block a zstd frame and nothing else."""


@dataclass(frozen=True, slots=True)
class Way:
    """How the blocks of a file are encoded.

    A block that a way is not for (a count that does not fit, say) is encoded as ZSTD has it, and
    says so itself: a way is an intention, a block's recipe is the truth.
    """

    name: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)


RAW = Way("raw")
"""The file's own bytes, without blocks."""
ZSTD = Way("zstd")
"""No filter."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What a camera's counts were multiplied with, under a name: float32 of a frame's `pixels`.

    `read` gives the bytes of so many of them from one on. Who keeps it sees to it that the name
    means these bytes for ever.
    """

    name: str
    pixels: int
    read: Callable[[int, int], Buffer]

    @classmethod
    def of(cls, name: str, frame: Buffer) -> Self:
        """A gain that is in memory."""
        view = memoryview(frame).cast("B")

        def read(first: int, count: int) -> Buffer:
            return view[_ITEM * first : _ITEM * (first + count)]

        return cls(name, len(view) // _ITEM, read)


@dataclass(frozen=True, slots=True)
class Choice:
    """A way for files of a kind, with what it did to a sample.

    `ratio` is raw bytes by stored bytes, `bytes_per_s` raw bytes a second that one core encodes and
    verifies.
    """

    way: Way
    ratio: float
    bytes_per_s: float
