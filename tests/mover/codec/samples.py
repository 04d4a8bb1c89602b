"""Small files as detectors and programs write them."""

import struct

import numpy as np
from numpy.typing import NDArray

__all__ = ["counts", "gains", "mrc_header", "normalised", "text"]


def gains(side: int, *, seed: int = 1) -> NDArray[np.float32]:
    """A gain reference (side, side) with 6 % spread and a dead column."""
    made = np.random.default_rng(seed).normal(1.0, 0.06, (side, side)).astype(np.float32)
    made[:, side // 3] = 0
    return np.clip(made, 0, 1.4)


def counts(frames: int, side: int, *, mean: float = 1.0, seed: int = 2) -> NDArray[np.uint8]:
    """A movie (frames, side, side): ice that thins out, a dead column, hot pixels."""
    draw = np.random.default_rng(seed)
    ice = np.linspace(0.9, 1.1, side)[None, :] * np.where(np.arange(side) == side // 3, 0, 1)
    movie = draw.poisson(mean * np.broadcast_to(ice, (frames, side, side))).astype(np.uint8)
    hot = draw.integers(0, side, (2, 5))
    movie[:, hot[0], hot[1]] = draw.integers(40, 255, (frames, 5))
    return movie


def normalised(frames: int, side: int, *, mean: float = 1.0) -> NDArray[np.float32]:
    """The same movie after gain normalisation, as float32."""
    return counts(frames, side, mean=mean).astype(np.float32) * gains(side)


def mrc_header(columns: int, rows: int, frames: int, *, mode: int, extended: int = 0) -> bytes:
    """1024 bytes, and `extended` more of what no format fixes."""
    head = bytearray(1024)
    head[:16] = struct.pack("<4i", columns, rows, frames, mode)
    head[92:96] = struct.pack("<i", extended)
    head[208:216] = b"MAP \x44\x44\0\0"
    head[224:264] = b"one label of eighty characters, or fewer"
    return bytes(head) + np.random.default_rng(3).bytes(extended)


def text(lines: int) -> bytes:
    """A particles.star."""
    draw = np.random.default_rng(4)
    rows = (f"{x:12.6f} {i:06d}@Extract/job012/m.mrcs 1" for i, x in enumerate(draw.random(lines)))
    return ("data_particles\n\nloop_\n_rlnCoordinateX #1\n" + "\n".join(rows) + "\n").encode()
