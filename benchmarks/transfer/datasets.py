"""The data that are moved, made with fixed seeds; each set is a folder of files.

    python -m benchmarks.transfer.datasets FOLDER SET SCALE

prints the set's size and entropy bound as JSON. A scale of 1 is the set that figures are published
of; others have fewer and smaller files.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from benchmarks.transfer.camera import DOSES, camera
from benchmarks.transfer.entropy import bound
from benchmarks.transfer.formats import FORMATS, Format

__all__ = ["PLAIN", "Plain", "Shape", "make", "shape_of"]

SIDE = 4096
FRAMES = 40
LEAST_FRAMES = 4
LEAST_SIDE = 512
_FEW = 4
OLD_S = 3600.0
"""Files are older than any upload, as tools that compare times expect."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Files of one size; `text`: such as a list of particles, else bytes without any order."""

    count: int
    size: int
    text: bool = False
    sparse: bool = False

    def scaled(self, scale: float) -> "Plain":
        """Fewer files, and where there are few, smaller ones."""
        count = max(min(self.count, _FEW), round(self.count * scale))
        size = round(self.size * min(1.0, self.count * scale / count))
        return Plain(count, size, self.text, self.sparse)


PLAIN: Mapping[str, Plain] = {
    "large": Plain(4, 1_000_000_000),
    "medium": Plain(64, 64_000_000),
    "small": Plain(5000, 20_000, text=True),
    "many": Plain(200_000, 200, text=True),
    "hole-1": Plain(1, 1_000_000_000, sparse=True),
    "hole-8": Plain(1, 8_000_000_000, sparse=True),
    "hole-64": Plain(1, 64_000_000_000, sparse=True),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a set of movies."""

    movies: int
    side: int
    frames: int


def shape_of(form: Format, scale: float) -> Shape:
    """As many movies as make the set, one of each dose rate at least; scaled, fewer pixels."""
    wanted = form.set_bytes * scale / form.bytes_a_pixel
    side = SIDE
    least = len(DOSES) * LEAST_FRAMES
    if wanted < least * SIDE * SIDE:
        side = max(LEAST_SIDE, int(sqrt(wanted / least)) // 64 * 64)
    frames = max(LEAST_FRAMES, min(FRAMES, round(wanted / len(DOSES) / side / side)))
    movies = max(len(DOSES), round(wanted / frames / side / side))
    return Shape(movies, side, frames)


def make(folder: Path, name: str, scale: float) -> dict[str, float | int]:
    """Make a set in `folder`, which is new; its number of bytes and files, and its bound."""
    folder.mkdir(parents=True)
    if name in PLAIN:
        _plain(folder, PLAIN[name].scaled(scale))
        information = 0.0
    else:
        information = _movies(folder, FORMATS[name], scale)
    files = [path for path in folder.rglob("*") if path.is_file()]
    then_s = time.time() - OLD_S
    for path in files:
        os.utime(path, (then_s, then_s))
    size = sum(path.stat().st_size for path in files)
    greatest = round(bound(size, information), 2) if information else 1.0
    return {"bytes": size, "files": len(files), "bound": greatest}


def _movies(folder: Path, form: Format, scale: float) -> float:
    shape = shape_of(form, scale)
    information = 0.0
    for at in range(shape.movies):
        seen = camera(shape.side, DOSES[at % len(DOSES)])
        path = folder / f"movie_{at:04d}.{form.ending}"
        information += form.write(path, seen, shape.frames, at)
    return information


def _plain(folder: Path, files: Plain) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, size=min(files.size, 64_000_000), dtype=np.uint8).tobytes()
    for at in range(files.count):
        below = folder / f"job{at % 50:03d}" if files.text else folder
        below.mkdir(exist_ok=True)
        path = below / f"file_{at:06d}.{'star' if files.text else 'mrc'}"
        if files.sparse:
            with path.open("wb") as file:
                file.truncate(files.size)
        elif files.text:
            path.write_text(_list_of_particles(rng, at, files.size), encoding="ascii")
        else:
            _write_noise(path, noise, files.size, at)


def _write_noise(path: Path, noise: bytes, size: int, number: int) -> None:
    """No two blocks of any two files are the same: each 64 MB begin with their own number."""
    with path.open("wb") as file:
        for start in range(0, size, len(noise)):
            own = f"{number}/{start}".ljust(32).encode()
            file.write(own + noise[len(own) : size - start])


def _list_of_particles(rng: np.random.Generator, number: int, size: int) -> str:
    head = f"# {number}\ndata_particles\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n"
    row = "%12.6f %12.6f\n"
    count = max(0, size - len(head)) // len(row % (0.0, 0.0))
    text = head + "".join(row % tuple(each) for each in rng.random((count, 2)) * 4096)
    return text[:size].ljust(size)


if __name__ == "__main__":
    where, which, scaled = sys.argv[1:]
    print(json.dumps(make(Path(where), which, float(scaled))))
