"""Learns the gain of a movie whose values are counts times a gain, in little memory."""

from typing import BinaryIO

import numpy as np

from cryoem_cloud.model.digest import Digester
from cryoem_cloud.mover.codec import Choice, Movie, Way, learn, settle, tried
from cryoem_cloud.mover.source import Source

__all__ = ["WORTH", "glance", "write_gain"]

WORTH = 1.5
"""How many times better than planes a way has to be that needs a gain."""
_ITEM = 4
_FRAMES = 20
"""More make hardly any pixel's gain better (docs/evidence/codec.md)."""
_FEWEST = 6
"""Of fewer frames no gain is learnt: too many pixels have seen no electron alone."""
_STRIP_PIXELS = 1024 * 1024
_GLANCE_PIXELS = 16 * 1024


def glance(source: Source, movie: Movie) -> Choice | None:
    """What a gain would do, by a few pixels in the middle of frames; None: nothing.

    It reads a little of each frame.
    """
    count = min(_GLANCE_PIXELS, movie.pixels)
    first, frames = (movie.pixels - count) // 2, _frames(source, movie)
    if frames < _FEWEST:
        return None
    some = b"".join(
        source.sample(_place(movie, frame, first), _ITEM * count) for frame in range(frames)
    )
    if len(some) < _ITEM * count * frames:
        return None
    found = tried(some, Way("ungain", {"pixels": count}))
    return found if found.ratio >= WORTH * tried(some, Way("planes4")).ratio else None


def write_gain(source: Source, movie: Movie, file: BinaryIO) -> str:
    """Learn the gain from the movie's first frames, write it, and give its digest.

    Raises:
        SourceChangedError: The movie changed meanwhile.
    """
    digester = Digester()
    buffer = memoryview(bytearray(_ITEM * min(_STRIP_PIXELS, movie.pixels)))
    for first in range(0, movie.pixels, _STRIP_PIXELS):
        count = min(_STRIP_PIXELS, movie.pixels - first)
        gain, strip = np.full(count, np.inf, "<f4"), Movie(count, 0, 1)
        for frame in range(_frames(source, movie)):
            view = buffer[: _ITEM * count]
            source.read_into(_place(movie, frame, first), view)
            learn(gain, view, strip, 0)
        settle(gain)
        digester.update(gain.data.cast("B"))
        file.write(gain.data)
    return digester.digest


def _frames(source: Source, movie: Movie) -> int:
    """Of those that are there."""
    there = (source.stamp.size - movie.header) // (_ITEM * movie.pixels)
    return max(0, min(_FRAMES, movie.frames, there))


def _place(movie: Movie, frame: int, pixel: int) -> int:
    return movie.header + _ITEM * (frame * movie.pixels + pixel)
