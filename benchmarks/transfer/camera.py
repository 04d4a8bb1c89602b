"""What a counting camera sees: frames of counts with all that a real one has.

Shot noise at a dose rate, a specimen of low contrast, ice that is thicker on one side, pixels of
uneven gain, hot pixels, dead columns; and coincidence loss: a frame is the sum of SUBFRAMES, in
each of which a pixel counts once at most, and nothing where an electron came down within the area
AROUND beside another.

Frames are drawn by tables: each pixel has one of LEVELS rates, each rate a table of 2^16 equally
likely outcomes. So the distribution of every pixel is known exactly, and with it the entropy bound.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from math import comb, exp

import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.entropy import mean_bits

__all__ = ["DOSES", "Camera", "camera", "chances", "table"]

Counts = NDArray[np.uint8]
Floats = NDArray[np.float32]

DOSES = (0.5, 1.0, 1.5)
"""Electrons a pixel and frame."""
LEVELS = 96
SUBFRAMES = 40
AROUND = 2.0
"""In pixels."""
HOT_RATE = 12.0
HOT_SHARE = 2e-5
DEAD_COLUMNS = 3
_OUTCOMES = 1 << 16
_BLUR = 16


def chances(rate: float) -> list[float]:
    """How likely 0, 1, … counts are in a frame where so many electrons fall on a pixel."""
    each = rate / SUBFRAMES
    seen = each * exp(-AROUND * each)
    return [
        comb(SUBFRAMES, count) * seen**count * (1 - seen) ** (SUBFRAMES - count)
        for count in range(SUBFRAMES + 1)
    ]


def table(rate: float) -> Counts:
    """2^16 outcomes of a pixel with that rate."""
    edges = np.rint(np.cumsum(chances(rate)) * _OUTCOMES).astype(np.int64)
    return np.searchsorted(edges, np.arange(_OUTCOMES), side="right").astype(np.uint8)


@dataclass(frozen=True)
class Camera:
    """`level` is each pixel's rate by its number, `gain` what a count of it is worth."""

    level: NDArray[np.uint8]
    gain: Floats
    tables: Counts

    def frames(self, count: int, seed: int) -> Iterator[Counts]:
        """So many frames; the same ones from the same seed."""
        rng = np.random.default_rng(seed)
        rows = self.level.astype(np.uint32) << 16
        flat = self.tables.reshape(-1)
        for _ in range(count):
            drawn = rng.integers(0, _OUTCOMES, size=rows.shape, dtype=np.uint16)
            yield flat[rows | drawn]

    @cached_property
    def bits_a_pixel(self) -> float:
        """The entropy of a pixel of a frame, the mean of all."""
        shares = np.bincount(self.level.reshape(-1), minlength=len(self.tables)) / self.level.size
        levels = [np.bincount(each) / _OUTCOMES for each in self.tables]
        return mean_bits([each.tolist() for each in levels], shares.tolist())


@cache
def camera(side: int, dose: float, seed: int = 7) -> Camera:
    """A square camera at that dose rate, in electrons a pixel and frame."""
    rng = np.random.default_rng(seed)
    specimen = _smooth(rng.standard_normal((side // 8, side // 8), dtype=np.float32))
    rate = np.kron(1 + 0.08 * specimen, np.ones((8, 8), np.float32))
    rate *= np.linspace(0.85, 1.15, side, dtype=np.float32)[None]  # ice
    gain = np.clip(1 + 0.06 * rng.standard_normal((side, side), dtype=np.float32), 0.7, 1.4)
    rate = np.clip(dose * rate / gain, 0.3 * dose, 2 * dose)
    steps = np.linspace(rate.min(), rate.max(), LEVELS)
    level = np.rint((rate - steps[0]) / (steps[-1] - steps[0]) * (LEVELS - 1)).astype(np.uint8)
    hot = rng.random((side, side), dtype=np.float32) < HOT_SHARE
    level[hot] = LEVELS
    level[:, rng.choice(side, DEAD_COLUMNS, replace=False)] = LEVELS + 1
    rates = (*steps.tolist(), HOT_RATE, 0.0)
    return Camera(level, gain.astype(np.float32), np.stack([table(each) for each in rates]))


def _smooth(noise: Floats) -> Floats:
    """Noise without its finer parts, of standard deviation 1."""
    rows, columns = noise.shape
    apart = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None])
    blurred = np.fft.irfft2(np.fft.rfft2(noise) * np.exp(-((apart * _BLUR) ** 2)), noise.shape)
    found: Floats = (blurred / blurred.std()).astype(np.float32)
    return found
