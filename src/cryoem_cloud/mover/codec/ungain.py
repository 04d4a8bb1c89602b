"""Gain-normalised counting movies: counts again, and the gain of each pixel once for many frames.

Such a movie's values are float32(count * gain of the pixel). Where the multiplication gives the
value again, bit by bit, the count is kept; what else there is, an exception, is kept whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.record import JSON
from cryoem_cloud.mover.codec.counts import Counts, exceptions_in
from cryoem_cloud.mover.codec.packed import STEP_BYTES, Bytes, Packed, Read
from cryoem_cloud.mover.codec.planes import Planes
from cryoem_cloud.mover.codec.recipe import count_of
from cryoem_cloud.mover.codec.way import Gain
from cryoem_cloud.ports.parts import Buffer

__all__ = ["MOST_EXCEPTIONS", "Gains", "OwnGain", "SharedGain", "least", "settle"]

Floats = NDArray[np.float32]
_ITEM = 4
_STEP = STEP_BYTES // _ITEM
_FLOAT, _BITS, _POSITION = np.dtype("<f4"), np.dtype("<u4"), np.dtype("<u4")
_NIBBLES = Counts(item=1, bits=4, step_bytes=_STEP)
_PLANES = Planes(_ITEM)
_ROUND = np.float32(1.5 * 2**23)
"""Adding it leaves a float32 below 2^22, rounded to a whole number, in the lowest bits."""
MOST_EXCEPTIONS = 32
"""One in so many values, for they take 8 bytes."""


def least(gain: Floats, raw: Buffer, pixel: int) -> None:
    """Lower each pixel's `gain` to the least value above 0 that `raw` has of it.

    That is its gain as soon as one electron alone has come. `raw` are float32, of which the first
    belongs to `pixel`.
    """
    values = np.frombuffer(raw, _FLOAT, len(raw) // _ITEM)
    while len(values):
        here = gain[pixel : pixel + len(values)]
        for start in range(0, len(here), _STEP):
            known = here[start : start + _STEP]
            step = values[start : start + len(known)]
            np.copyto(known, step, where=(step > 0) & (step < known))
        values, pixel = values[len(here) :], 0


def settle(gain: Floats) -> None:
    """Make the least values that were seen gains; 0 where none was, as of dead pixels.

    A least value that is near a multiple of the typical one has come of so many electrons.
    """
    some = gain[:: 1 + len(gain) // _STEP]
    typical = np.median(some[np.isfinite(some)]) if np.isfinite(some).any() else np.float32(1)
    for start in range(0, len(gain), _STEP):
        step = gain[start : start + _STEP]
        step[np.isinf(step)] = 0
        with np.errstate(over="ignore"):  # a header's bytes may pass for values
            step /= np.maximum(np.rint(step / typical), 1)


@dataclass(frozen=True, slots=True)
class Gains:
    """A frame's gains, again and again: a block's value `i` is of pixel `first` + `i`."""

    gain: Gain
    first: int

    def of(self, start: int, length: int) -> Floats:
        """The gains of some values of the block, of a step at most."""
        pixels = self.gain.pixels
        at = (self.first + start) % pixels
        if at + length <= pixels:
            return self._read(at, length)
        if pixels <= _STEP:
            return np.take(self._read(0, pixels), np.arange(at, at + length), mode="wrap")
        return np.concatenate([self._read(at, pixels - at), self._read(0, at + length - pixels)])

    def _read(self, first: int, count: int) -> Floats:
        return np.frombuffer(self.gain.read(first, count), _FLOAT)


@dataclass(frozen=True, slots=True)
class SharedGain:
    """A filter for movies whose gain is known to whoever reads them, under a name."""

    gains: Gains

    def packed(self, raw: Bytes) -> Packed | None:
        """Exceptions' positions and values, counts in nibbles, the tail; None: too many."""
        gain, first = self.gains.gain, self.gains.first
        fields = {"gain": gain.name, "pixels": gain.pixels, "first": first}
        return _packed(raw, self.gains, fields)

    def unpacked(self, read: Read, fields: Mapping[str, JSON], raw: int) -> Iterator[Bytes]:
        """The raw bytes in pieces, of which each is gone when the next comes."""
        return _unpacked(read, fields, raw, self.gains)


@dataclass(frozen=True, slots=True)
class OwnGain:
    """A filter for movies with frames of so many `pixels` that several are in a block."""

    pixels: int

    def packed(self, raw: Bytes) -> Packed | None:
        """The gain's planes, then what SharedGain has; None: few frames, or many exceptions."""
        if not 0 < 2 * self.pixels <= len(raw) // _ITEM:
            return None
        gain = np.full(self.pixels, np.inf, _FLOAT)
        least(gain, raw.data, 0)
        settle(gain)
        own = Gains(Gain.of("", gain.data), 0)
        packed = _packed(raw, own, {"pixels": self.pixels})
        if packed is None:
            return None
        planes = _PLANES.packed(gain.view(np.uint8))
        return Packed(
            packed.fields, planes.size + packed.size, _one_after_the_other(planes, packed)
        )

    def unpacked(self, read: Read, fields: Mapping[str, JSON], raw: int) -> Iterator[Bytes]:
        """The raw bytes in pieces, of which each is gone when the next comes."""
        if not 0 < 2 * self.pixels <= raw // _ITEM:
            raise CorruptObjectError(f"a stored block has a gain of {self.pixels} pixels")
        planes = list(_PLANES.unpacked(read, {}, self.pixels * _ITEM))
        yield from _unpacked(read, fields, raw, Gains(Gain.of("", np.concatenate(planes).data), 0))


def _one_after_the_other(first: Packed, second: Packed) -> Iterator[Bytes]:
    yield from first.pieces
    yield from second.pieces


def _packed(raw: Bytes, gains: Gains, fields: Mapping[str, JSON]) -> Packed | None:
    count, tail = divmod(len(raw), _ITEM)
    values = raw[: count * _ITEM].view(_FLOAT)
    counts = np.empty(count, np.uint8)
    found = [np.empty(0, _POSITION)]
    for start in range(0, count, _STEP):
        step = values[start : start + _STEP]
        others = _count(step, gains.of(start, len(step)), counts[start : start + len(step)])
        found.append((others + start).astype(_POSITION))
    positions = np.concatenate(found)
    if len(positions) * MOST_EXCEPTIONS > count:
        return None
    nibbles = _NIBBLES.packed(counts)
    if nibbles is None:
        return None
    size = len(positions) * (_POSITION.itemsize + _ITEM) + (count + 1) // 2 + tail
    pieces = _pieces(positions, values, nibbles, raw[count * _ITEM :])
    return Packed({**fields, "exceptions": len(positions)}, size, pieces)


def _count(values: Floats, gain: Floats, counts: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Give each value its count, and say where that does not give the value again (count 0)."""
    with np.errstate(all="ignore"):  # any bits may come
        rounded = np.divide(np.float32(1), gain, out=np.zeros_like(gain), where=gain > 0)
        rounded *= values
        rounded += _ROUND
        whole = rounded.view(_BITS)
        whole &= 15
        np.copyto(counts, whole, casting="unsafe")
        again = counts.astype(_FLOAT)
        again *= gain
    others = np.flatnonzero(again.view(_BITS) != values.view(_BITS))
    counts[others] = 0
    return others


def _pieces(
    positions: NDArray[np.uint32], values: Floats, nibbles: Packed, tail: Bytes
) -> Iterator[Bytes]:
    yield positions.view(np.uint8)
    yield values.view(_BITS)[positions].view(np.uint8)
    yield from nibbles.pieces
    yield tail


def _unpacked(read: Read, fields: Mapping[str, JSON], raw: int, gains: Gains) -> Iterator[Bytes]:
    count, tail = divmod(raw, _ITEM)
    most = count_of(fields, "exceptions", count // MOST_EXCEPTIONS)
    found, others = exceptions_in(read, most, count, _BITS)
    done = 0
    for counts in _NIBBLES.unpacked(read, {"exceptions": 0}, count):
        step = counts.astype(_FLOAT)
        with np.errstate(all="ignore"):  # a gain may be anything
            step *= gains.of(done, len(step))
        first, last = np.searchsorted(found, (done, done + len(step)))
        step.view(_BITS)[found[first:last] - done] = others[first:last]
        done += len(step)
        yield step.view(np.uint8)
    yield np.frombuffer(read(tail), np.uint8)
