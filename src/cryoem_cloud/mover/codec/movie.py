"""Movies whose values are counts times a gain: what of them their headers tell."""

import struct
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from cryoem_cloud.mover.codec.way import Gain, Way
from cryoem_cloud.ports.parts import Buffer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Movie", "learn", "movie_of", "settle"]

_ENDINGS = frozenset({".mrc", ".mrcs"})
_HEADER_BYTES = 1024
_SIZES = struct.Struct("<4i")
_EXTENDED = struct.Struct("<i")
_EXTENDED_AT = 92
_FLOAT32, _ITEM = 2, 4
_MOST_PIXELS = 2**29
"""Of a frame; cameras have up to 2^27 in super-resolution."""


@dataclass(frozen=True, slots=True)
class Movie:
    """`frames` of `pixels` float32, after `header` bytes."""

    pixels: int
    header: int
    frames: int

    def way(self, gain: Gain | None = None) -> Way:
        """For its blocks: with a gain that is known, or each with its own (if frames are small)."""
        known = {} if gain is None else {"gain": gain.name, "header": self.header}
        return Way("ungain", {"pixels": self.pixels, **known})


def movie_of(name: str, head: bytes) -> Movie | None:
    """The movie that an MRC file of float32 may be, by its first 1024 bytes; None: it is none.

    https://www.ccpem.ac.uk/mrc-format/mrc2014
    """
    if PurePath(name).suffix.lower() not in _ENDINGS or len(head) < _HEADER_BYTES:
        return None
    columns, rows, frames, mode = _SIZES.unpack_from(head)
    extended = _EXTENDED.unpack_from(head, _EXTENDED_AT)[0]
    fits = min(columns, rows) > 0 and frames > 1 and columns * rows <= _MOST_PIXELS
    if mode != _FLOAT32 or not fits or extended < 0 or extended % _ITEM:
        return None
    return Movie(columns * rows, _HEADER_BYTES + extended, frames)


def learn(gain: "NDArray[np.float32]", raw: Buffer, movie: Movie, start: int) -> None:
    """Learn from bytes of a movie that begin at `start` in its file.

    `gain` has the frame's pixels, at first infinity, and is a gain only after `settle`. A pixel
    that is still wrong costs its exceptions, and nothing else.
    """
    from cryoem_cloud.mover.codec.ungain import least  # noqa: PLC0415  (needs NumPy)

    view = memoryview(raw).cast("B")
    before = movie.header - start
    skipped = before if before > 0 else before % _ITEM
    least(gain, view[skipped:], (start + skipped - movie.header) // _ITEM % movie.pixels)


def settle(gain: "NDArray[np.float32]") -> None:
    """Make what was learnt a gain: multiples are divided, and what was never above 0 is 0."""
    from cryoem_cloud.mover.codec.ungain import settle as settled  # noqa: PLC0415  (needs NumPy)

    settled(gain)
