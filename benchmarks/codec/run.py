"""What each way makes of files as microscopes and programs write them, and how fast.

    python benchmarks/codec/run.py

prints a table: of a block of 16 MiB (or as much as there is) the ratio, the bound by the entropy of
its values, and raw MB by second of CPU of one core, the best of several: encoding with its
verification, and decoding. Beside what is chosen stands zstd alone.
"""

import argparse
import io
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.codec import (
    ZSTD,
    Gain,
    Movie,
    Way,
    chosen,
    decode_into,
    encoded,
    learn,
    settle,
)

SIDE = 2048
DOSES = (0.5, 1.0, 1.5)
"""Electrons a pixel and frame."""
DRAWN = 21
"""Frames: one is encoded, of the others the gain is learnt."""
FRAMES = 40
"""Of a movie that brings its own gain."""
_SAMPLE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """A block of a file; `share` is what each of its bytes bears of the file's gain."""

    what: str
    name: str
    raw: bytes
    values: str = ""
    way: Way | None = None
    gain: Gain | None = None
    share: float = 0.0


class Camera:
    """Draws frames (SIDE, SIDE): ice, coincidence loss, a gain, dead columns, hot pixels."""

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        gain = np.clip(self._draw.normal(1, 0.06, (SIDE, SIDE)), 0.7, 1.4)
        gain[:, self._draw.integers(0, SIDE, 3)] = 0
        self.gain = gain.astype(np.float32)
        specimen = np.kron(self._draw.normal(1, 0.08, (SIDE // 8, SIDE // 8)), np.ones((8, 8)))
        self._ice = np.clip(specimen, 0.3, 2) * np.linspace(0.85, 1.15, SIDE)
        self._hot = self._draw.integers(0, SIDE, (2, 40))

    def frame(self, dose: float) -> NDArray[np.uint8]:
        """Counts; of electrons that meet in a pixel some are lost."""
        sensitivity = np.divide(1, self.gain, out=np.zeros_like(self.gain), where=self.gain > 0)
        rate = dose * self._ice * sensitivity
        drawn = self._draw.poisson(rate * (1 - 0.1 * rate.clip(0, 3)))
        made: NDArray[np.uint8] = drawn.astype(np.uint8)
        made[self._hot[0], self._hot[1]] = self._draw.integers(20, 127, self._hot.shape[1])
        return made


def movies(camera: Camera, dose: float) -> list[Case]:
    """Counts as they are, as 16 bits, and after gain normalisation."""
    frames = np.stack([camera.frame(dose) for _ in range(DRAWN)])
    each = BLOCK_BYTES // SIDE**2
    floats = frames[0] * camera.gain
    known, stored = learnt(frames[1:], camera.gain)
    way, share = Movie(SIDE**2, 0, FRAMES).way(known), stored / (FRAMES * floats.nbytes)
    normalised = partial(Case, name="m.mrc", raw=floats.tobytes(), way=way, gain=known)
    return [
        Case(f"int8 counts, {dose}", "m.mrc", frames[:each].tobytes(), "u1"),
        Case(f"uint16 counts, {dose}", "m.mrc", frames[: each // 2].astype("<u2").tobytes(), "<u2"),
        normalised(f"float32 after gain, {dose}; one gain for all movies"),
        normalised(f"float32 after gain, {dose}; a gain for {FRAMES} frames", share=share),
    ]


def learnt(frames: NDArray[np.uint8], gain: NDArray[np.float32]) -> tuple[Gain, int]:
    """The gain as it is learnt from some frames, and the bytes that it takes, stored."""
    found = np.full(SIDE**2, np.inf, np.float32)
    for frame in frames:
        learn(found, (frame * gain).tobytes(), Movie(SIDE**2, 0, FRAMES), 0)
    settle(found)
    known = Gain.of("known", found.tobytes())
    return known, sum(map(len, encoded(known.read(0, known.pixels), Way("planes4"))))


def others(camera: Camera) -> list[Case]:
    """Micrographs, a compressed movie, a particle list."""
    frames = [camera.frame(5.0) for _ in range(4)]
    total = np.sum(frames, axis=0) * camera.gain
    y, x = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :]
    soft = np.fft.irfft2(np.fft.rfft2(total) * np.exp(-((np.hypot(y, x) / 0.6) ** 2)))
    half = ((soft - soft.mean()) / soft.std()).astype("<f2").tobytes()
    image = io.BytesIO()
    Image.fromarray(np.concatenate(frames)).save(image, "tiff", compression="tiff_lzw")
    draw = np.random.default_rng(9)
    rows = "".join(
        f"{x:12.6f} {y:12.6f} {i % 300:06d}@Extract/job012/m_{i // 300:05d}.mrcs {d:13.6f} 1\n"
        for i, (x, y, d) in enumerate(draw.random((200_000, 3)) * (4096, 4096, 30000))
    )
    return [
        Case("float32 micrograph", "m.mrc", soft.astype("<f4").tobytes(), "u1x4"),
        Case("float16 micrograph", "m.mrc", half, "u1x2"),
        Case("LZW TIFF", "m.tif", image.getvalue(), "u1"),
        Case("STAR", "p.star", rows.encode(), "u1"),
    ]


def bound(case: Case) -> float:
    """The ratio that no code of single values (of floats: of single bytes of them) exceeds."""
    if case.way:
        return float("nan")
    width = int(case.values[3:]) if "x" in case.values else 1
    values = np.frombuffer(case.raw, case.values[:2] if width > 1 else case.values)
    bits = 0.0
    for plane in range(width):
        _, numbers = np.unique(values[plane::width], return_counts=True)
        share = numbers / numbers.sum()
        bits -= float((share * np.log2(share)).sum())
    return 8 * values.itemsize * width / bits


def fastest(work: Callable[[], object], times: int) -> float:
    """Seconds of CPU, the least of several."""
    least = float("inf")
    for _ in range(times):
        began = time.thread_time()
        work()
        least = min(least, time.thread_time() - began)
    return least


def row(case: Case, way: Way, times: int) -> str:
    """A line of the table."""
    raw, gain = case.raw[:BLOCK_BYTES], case.gain
    stored = b"".join(encoded(raw, way, gain=gain))
    target = memoryview(bytearray(len(raw)))
    speed = len(raw) / fastest(lambda: encoded(raw, way, gain=gain), times) / 1e6
    back = len(raw) / fastest(lambda: decode_into(stored, target, gain=gain), times) / 1e6
    share = case.share if way.name == "ungain" else 0
    most = f"{bound(case):.2f}" if case.way is None else ""
    ratio = 1 / (len(stored) / len(raw) + share)
    return f"| {case.what} | {way.name} | {ratio:.2f} | {most} | {speed:,.0f} | {back:,.0f} |"


def main() -> None:
    """Print the table."""
    say = argparse.ArgumentParser(description=__doc__)
    say.add_argument("--times", type=int, default=5, help="of which the best counts")
    times = say.parse_args().times
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, load {load:.1f}\n")
    print("| a block of | way | ratio | bound | encode, verified, MB/s | decode, MB/s |")
    print("|---|---|---|---|---|---|")
    camera = Camera(7)
    cases = (case for dose in DOSES for case in movies(camera, dose))
    for case in chain(cases, others(camera)):
        middle = len(case.raw) // 2 // 4 * 4
        found = case.way or chosen(case.name, case.raw[middle : middle + _SAMPLE]).way
        for way in (found, ZSTD) if found != ZSTD else (found,):
            if way.name == "raw":
                print(f"| {case.what} | raw | 1.00 | {bound(case):.2f} | | |")
            else:
                print(row(case, way, times), flush=True)


if __name__ == "__main__":
    main()
