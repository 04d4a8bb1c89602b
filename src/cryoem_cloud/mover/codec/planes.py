"""Floats and large whole numbers, taken apart into planes: all first bytes, all second ones.

The planes of sign and exponent have little in them, and zstd finds that only where they are apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cryoem_cloud.model.record import JSON
from cryoem_cloud.mover.codec.packed import STEP_BYTES, Bytes, Packed, Read

__all__ = ["Planes"]


@dataclass(frozen=True, slots=True)
class Planes:
    """Of values of `width` bytes (2, 4), STEP_BYTES at a time."""

    width: int

    def packed(self, raw: Bytes) -> Packed:
        """The planes of each step, and what is left of a value at the end."""
        return Packed({}, len(raw), self._pieces(raw))

    def _pieces(self, raw: Bytes) -> Iterator[Bytes]:
        end = len(raw) - len(raw) % self.width
        for start in range(0, end, STEP_BYTES):
            yield from _apart(raw[start : min(start + STEP_BYTES, end)], self.width)
        yield raw[end:]

    def unpacked(self, read: Read, _fields: Mapping[str, JSON], raw: int) -> Iterator[Bytes]:
        """The raw bytes in pieces."""
        end = raw - raw % self.width
        for start in range(0, end, STEP_BYTES):
            each = min(STEP_BYTES, end - start) // self.width
            yield _together([np.frombuffer(read(each), np.uint8) for _ in range(self.width)])
        yield np.frombuffer(read(raw - end), np.uint8)


def _apart(raw: Bytes, width: int) -> list[Bytes]:
    """The planes of some values, by halves: two casts a half are faster than four strides."""
    if width == 1:
        return [raw]
    values = raw.view(f"<u{width}")
    half = f"<u{width // 2}"
    low, high = values.astype(half), (values >> (4 * width)).astype(half)
    return [*_apart(low.view(np.uint8), width // 2), *_apart(high.view(np.uint8), width // 2)]


def _together(planes: list[Bytes]) -> Bytes:
    """What `_apart` took apart."""
    width = len(planes)
    if width == 1:
        return planes[0]
    half = f"<u{width // 2}"
    low, high = _together(planes[: width // 2]).view(half), _together(planes[width // 2 :])
    values = high.view(half).astype(f"<u{width}")
    values <<= 4 * width
    values |= low
    return values.view(np.uint8)
