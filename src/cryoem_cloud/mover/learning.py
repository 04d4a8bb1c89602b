"""Learns the gain of movies whose values are counts times a gain, in little memory."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cryoem_cloud.model.digest import Digester
from cryoem_cloud.mover.codec import Choice, Movie, Way, learn, movie_of, settle, tried
from cryoem_cloud.mover.source import Source

__all__ = ["WORTH", "Frame", "frames_of", "glance", "write_gain"]

WORTH = 1.5
"""How many times better than planes a way has to be that needs a gain."""
_ITEM = 4
_HEAD_BYTES = 1024
_FRAMES = 20
"""More make hardly any pixel's gain better (docs/evidence/codec.md)."""
_ENOUGH = 10
"""A movie with fewer is looked at together with others, which may be another camera's."""
_UNSEEN = 0.002
"""Once no more pixels have seen no electron, the other frames need not be read."""
_FEWEST = 6
"""Of fewer frames no gain is learnt: too many pixels have seen no electron alone."""
_STRIP_PIXELS = 1024 * 1024
_GLANCE_PIXELS = 16 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, which begins at `start` in its file."""

    source: Source
    start: int


@contextmanager
def frames_of(source: Source, movie: Movie) -> Iterator[Sequence[Frame]]:
    """Frames to learn from: the movie's, and if it has few, those of its like in the folder."""
    with ExitStack() as opened:
        frames = _frames(source, movie)
        like = _like(source) if 0 < len(frames) < _ENOUGH else iter(())
        while frames and len(frames) < _FRAMES and (path := next(like, None)) is not None:
            other = opened.enter_context(Source(path))
            if movie_of(path.name, other.sample(0, _HEAD_BYTES)) == movie:
                frames += _frames(other, movie)
        yield frames[:_FRAMES] if len(frames) >= _FEWEST else ()


def glance(frames: Sequence[Frame], movie: Movie) -> Choice | None:
    """What a gain would do, by a few pixels in the middle of frames; None: nothing.

    How fast is that of planes, which is about the same; here the gain is learnt, too.
    """
    count = min(_GLANCE_PIXELS, movie.pixels)
    first = _ITEM * ((movie.pixels - count) // 2)
    some = b"".join(each.source.sample(each.start + first, _ITEM * count) for each in frames)
    if not frames or len(some) < _ITEM * count * len(frames):
        return None
    found, planes = tried(some, Way("ungain", {"pixels": count})), tried(some, Way("planes4"))
    found = replace(found, bytes_per_s=planes.bytes_per_s)
    return found if found.ratio >= WORTH * planes.ratio else None


def write_gain(frames: Sequence[Frame], movie: Movie, file: BinaryIO) -> str:
    """Learn the gain from these frames, write it, and give its digest.

    Raises:
        SourceChangedError: A file changed meanwhile.
    """
    digester = Digester()
    buffer = memoryview(bytearray(_ITEM * min(_STRIP_PIXELS, movie.pixels)))
    for first in range(0, movie.pixels, _STRIP_PIXELS):
        count = min(_STRIP_PIXELS, movie.pixels - first)
        gain, strip = np.full(count, np.inf, "<f4"), Movie(count, 0, 1)
        for number, frame in enumerate(frames, start=1):
            view = buffer[: _ITEM * count]
            frame.source.read_into(frame.start + _ITEM * first, view)
            learn(gain, view, strip, 0)
            if number >= _ENOUGH and np.isinf(gain).mean() < _UNSEEN:
                break
        settle(gain)
        digester.update(gain.data.cast("B"))
        file.write(gain.data)
    return digester.digest


def _frames(source: Source, movie: Movie) -> list[Frame]:
    """A movie's first frames, of those that are there."""
    size = _ITEM * movie.pixels
    there = (source.stamp.size - movie.header) // size
    count = max(0, min(_FRAMES, movie.frames, there))
    return [Frame(source, movie.header + number * size) for number in range(count)]


def _like(source: Source) -> Iterator[Path]:
    """Files beside it that may be movies of the same kind, those that follow it by name first."""
    path = source.path
    names = sorted(
        os.listdir(path.parent),  # noqa: PTH208  (text, not paths)
        key=lambda name: (name <= path.name, name),
    )
    others = (path.with_name(n) for n in names if n.endswith(path.suffix) and n != path.name)
    near = islice(others, _FRAMES)
    return (other for other in near if _is_like(other, source))


def _is_like(path: Path, source: Source) -> bool:
    return path.is_file() and path.stat().st_size == source.stamp.size
