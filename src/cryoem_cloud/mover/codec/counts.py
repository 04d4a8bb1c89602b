"""Counts of electrons: small whole numbers, packed into 4 or 8 bits, with exceptions.

What is no count, a hot pixel or a file's header, is an exception: its position and its value are
kept beside.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.record import JSON
from cryoem_cloud.mover.codec.packed import STEP_BYTES, Bytes, Packed, Read
from cryoem_cloud.mover.codec.recipe import count_of

__all__ = ["Counts", "exceptions_in"]

Values = NDArray[Any]
_MOST_EXCEPTIONS = 32
"""One in so many pixels, for they take up to 6 bytes."""
_POSITION = np.dtype("<u4")
_ROW = 4096
_NIBBLE, _BYTE = 4, 8


def exceptions_in(
    read: Read, exceptions: int, values: int, dtype: np.dtype[Any]
) -> tuple[NDArray[np.uint32], Values]:
    """The next so many exceptions of a payload: their positions among `values`, and themselves.

    Raises:
        CorruptObjectError: They are out of order.
    """
    found = np.frombuffer(read(exceptions * _POSITION.itemsize), _POSITION)
    others = np.frombuffer(read(exceptions * dtype.itemsize), dtype)
    if exceptions and (found[-1] >= values or (found[1:] <= found[:-1]).any()):
        raise CorruptObjectError("a stored block has exceptions that are out of order")
    return found, others


@dataclass(frozen=True, slots=True)
class Counts:
    """Values of `item` bytes (1, 2) kept in `bits` (4, 8, fewer than they have)."""

    item: int
    bits: int
    step_bytes: int = STEP_BYTES

    @property
    def _dtype(self) -> np.dtype[Any]:
        return np.dtype("u1") if self.item == 1 else np.dtype("<u2")

    @property
    def _pair(self) -> np.dtype[Any]:
        return np.dtype("<u2") if self.item == 1 else np.dtype("<u4")

    @property
    def _most(self) -> int:
        return (1 << self.bits) - 1

    @property
    def _step(self) -> int:
        return self.step_bytes // self.item

    def _packed_size(self, values: int) -> int:
        return (values * self.bits + 7) // _BYTE

    def packed(self, raw: Bytes) -> Packed | None:
        """Positions of exceptions, their values, the packed values, the tail; None: too many."""
        count, tail = divmod(len(raw), self.item)
        values = raw[: len(raw) - tail].view(self._dtype)
        found = self._exceptions(values)
        if len(found) * _MOST_EXCEPTIONS > count:
            return None
        return Packed(
            {"exceptions": len(found)} | ({"bits": self.bits} if self.item > 1 else {}),
            len(found) * (_POSITION.itemsize + self.item) + self._packed_size(count) + tail,
            self._pieces(values, found, raw[len(raw) - tail :]),
        )

    def _exceptions(self, values: Values) -> NDArray[np.uint32]:
        """Positions of values that need more bits, looked for only in rows that have some."""
        whole = len(values) // _ROW
        rows = values[: whole * _ROW].reshape(whole, _ROW)
        guilty = np.flatnonzero(rows.max(axis=1) > self._most) if whole else np.empty(0, np.intp)
        found = [np.flatnonzero(rows[row] > self._most) + row * _ROW for row in guilty]
        found.append(np.flatnonzero(values[whole * _ROW :] > self._most) + whole * _ROW)
        return np.concatenate(found).astype(_POSITION)

    def _pieces(self, values: Values, found: NDArray[np.uint32], tail: Bytes) -> Iterator[Bytes]:
        yield found.view(np.uint8)
        yield values[found].view(np.uint8)
        scratch = np.empty(min(self._step, len(values) + 1) // 2, self._pair)
        narrow = np.empty(min(self._step, len(values) + 1) * self.bits // _BYTE, np.uint8)
        for start in range(0, len(values), self._step):
            step = values[start : start + self._step]
            size = self._packed_size(len(step))
            if len(step) % 2:
                step = np.concatenate([step, np.zeros(1, self._dtype)])
            packed = narrow[: len(step) * self.bits // _BYTE]
            self._narrow(step, scratch, packed)
            first, last = np.searchsorted(found, (start, start + len(step)))
            self._without(step, found[first:last] - start, packed)
            yield packed[:size]
        yield tail

    def _narrow(self, step: Values, scratch: Values, packed: Bytes) -> None:
        """Pack values, of which there is an even number; exceptions spoil what they share."""
        if self.bits == _BYTE:
            np.copyto(packed, step, casting="unsafe")
            return
        pairs, both = step.view(self._pair), scratch[: len(step) // 2]
        np.right_shift(pairs, _BYTE * self.item - _NIBBLE, out=both)
        np.bitwise_or(pairs, both, out=both)
        np.copyto(packed, both, casting="unsafe")

    def _without(self, step: Values, found: NDArray[np.uint32], packed: Bytes) -> None:
        """Pack again what exceptions, taken as 0, have spoilt."""
        each = _BYTE // self.bits
        spoilt = found // each
        shared = np.zeros(len(spoilt), np.uint8)
        for place in range(each):
            value = step[spoilt * each + place]
            shared |= np.where(value > self._most, 0, value << (place * self.bits)).astype(np.uint8)
        packed[spoilt] = shared

    def unpacked(self, read: Read, fields: Mapping[str, JSON], raw: int) -> Iterator[Bytes]:
        """The raw bytes in pieces, of which each is gone when the next comes."""
        values, tail = divmod(raw, self.item)
        exceptions = count_of(fields, "exceptions", values // _MOST_EXCEPTIONS)
        found, others = exceptions_in(read, exceptions, values, self._dtype)
        scratch = np.empty((2, min(self._step, values + 1) // 2), self._pair)
        for start in range(0, values, self._step):
            length = min(self._step, values - start)
            packed = np.frombuffer(read(self._packed_size(length)), np.uint8)
            step = self._wide(packed, scratch)[:length]
            first, last = np.searchsorted(found, (start, start + length))
            step[found[first:last] - start] = others[first:last]
            yield step.view(np.uint8)
        yield np.frombuffer(read(tail), np.uint8)

    def _wide(self, packed: Bytes, scratch: NDArray[Any]) -> Values:
        if self.bits == _BYTE:
            return packed.astype(self._dtype)
        pairs, high = scratch[0][: len(packed)], scratch[1][: len(packed)]
        np.copyto(pairs, packed)
        np.left_shift(pairs, _BYTE * self.item - _NIBBLE, out=high)
        np.bitwise_or(pairs, high, out=pairs)
        np.bitwise_and(pairs, 0x0F0F if self.item == 1 else 0x000F000F, out=pairs)
        values: Values = pairs.view(self._dtype)
        return values
