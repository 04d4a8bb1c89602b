"""Movies as files: MRC of integers and floats, TIFF with LZW, and electron events."""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.transfer.camera import Camera
from benchmarks.transfer.entropy import bits

__all__ = ["FORMATS", "Format", "events"]

EVENT_RATE = 0.01
"""Electrons a pixel and frame of an electron-event file, whose frames are many and short."""
_FINER_BITS = 4
_RUN_BITS = 7
_LONGEST_RUN = (1 << _RUN_BITS) - 1


@dataclass(frozen=True)
class Format:
    """How a movie is written; `write` returns the information in it, in bits.

    `bytes_a_pixel` is about what a file has for each pixel and frame.
    """

    ending: str
    bytes_a_pixel: float
    set_bytes: float
    write: Callable[[Path, Camera, int, int], float]


def _mrc(
    path: Path, frames: Iterable[NDArray[np.generic]], shape: tuple[int, ...], mode: int
) -> None:
    with mrcfile.new_mmap(path, shape=shape, mrc_mode=mode, overwrite=True) as mrc:
        mrc.voxel_size = 0.83
        for at, frame in enumerate(frames):
            mrc.data[at] = frame


def _information(camera: Camera, count: int) -> float:
    return camera.bits_a_pixel * camera.level.size * count


def _bytes(path: Path, camera: Camera, count: int, seed: int) -> float:
    frames = (each.view(np.int8) for each in camera.frames(count, seed))
    _mrc(path, frames, (count, *camera.level.shape), 0)
    return _information(camera, count)


def _words(path: Path, camera: Camera, count: int, seed: int) -> float:
    _mrc(path, camera.frames(count, seed), (count, *camera.level.shape), 6)
    return _information(camera, count)


def _floats(path: Path, camera: Camera, count: int, seed: int) -> float:
    """Normalised by the gain, whose own information all movies of a session share: not counted."""
    frames = (each * camera.gain for each in camera.frames(count, seed))
    _mrc(path, frames, (count, *camera.level.shape), 2)
    return _information(camera, count)


def _lzw(path: Path, camera: Camera, count: int, seed: int) -> float:
    first, *others = [Image.fromarray(each) for each in camera.frames(count, seed)]
    first.save(path, format="TIFF", compression="tiff_lzw", save_all=True, append_images=others)
    return _information(camera, count)


def _events(path: Path, camera: Camera, count: int, seed: int) -> float:
    """Like EER, but in a container of its own: for each frame its length and its events' codes."""
    rng = np.random.default_rng(seed)
    shape, pixels, found = camera.level.shape, camera.level.size, 0
    with path.open("wb") as file:
        file.write(struct.pack("<4s3I", b"EVNT", *shape, count))
        for _ in range(count):
            hits = np.cumsum(rng.geometric(EVENT_RATE, size=round(pixels * EVENT_RATE * 1.05))) - 1
            hits = hits[hits < pixels]
            finer = rng.integers(0, 1 << _FINER_BITS, size=hits.size)
            coded = events(hits, finer)
            file.write(struct.pack("<I", len(coded)) + coded)
            found += hits.size
    a_pixel = bits((EVENT_RATE, 1 - EVENT_RATE))
    return float(a_pixel * pixels * count + _FINER_BITS * found)


def events(hits: NDArray[np.int64], finer: NDArray[np.int64]) -> bytes:
    """Each electron as EER has it: the run of empty pixels before it, in 7 bits, and 4 bits finer.

    A run of 127 is not ended: the next 7 bits go on.
    """
    runs = np.diff(hits, prepend=-1) - 1
    longer = runs // _LONGEST_RUN
    starts = np.cumsum(longer * _RUN_BITS + _RUN_BITS + _FINER_BITS)
    written = np.ones(int(starts[-1]) if hits.size else 0, np.uint8)  # a long run is all ones
    at = starts - _RUN_BITS - _FINER_BITS
    left = runs - longer * _LONGEST_RUN
    for values, width, offset in ((left, _RUN_BITS, 0), (finer, _FINER_BITS, _RUN_BITS)):
        for bit in range(width):
            written[at + offset + bit] = (values >> bit) & 1
    return np.packbits(written, bitorder="little").tobytes()


FORMATS: Mapping[str, Format] = {
    "int8": Format("mrc", 1, 4e9, _bytes),
    "u16": Format("mrc", 2, 4e9, _words),
    "f32": Format("mrc", 4, 4e9, _floats),
    "lzw": Format("tif", 0.29, 1e9, _lzw),
    "eer": Format("eer", 0.016, 1e9, _events),
}
