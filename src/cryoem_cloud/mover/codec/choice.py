"""Which way is the best for files of a kind: a sample is encoded in each that may be."""

import time
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from cryoem_cloud.mover.codec.block import encoded
from cryoem_cloud.mover.codec.way import RAW, ZSTD, Choice, Gain, Way
from cryoem_cloud.ports.parts import Buffer

if TYPE_CHECKING:
    from cryoem_cloud.mover.codec.packed import Bytes

# NumPy is imported with the first sample.
# ruff: noqa: PLC0415

__all__ = ["chosen", "is_hopeful", "tried"]

_LEAST_RATIO = 1.05
"""Less is not worth a core's time, nor a reader's: LZW TIFF and EER have 1.00."""
_HOPEFUL = 1.01
"""What zstd finds nothing at all in is noise, or compressed already: counts and floats have skewed
bytes, in which it finds 1.08 or more (docs/evidence/codec.md). NumPy is not imported for it."""
_NOTABLE = 1.02
"""By so much a ratio must be better for another way to be taken."""
_MOST_EXCEPTIONS = 0.01
_NO_VALUES = frozenset(
    {".star", ".out", ".err", ".log", ".txt", ".json", ".xml", ".py", ".sh", ".eer"}
)
"""Texts, and what is compressed or no row of values: zstd or nothing."""


def chosen(name: str, sample: bytes | memoryview, *, plain: bool = False) -> Choice:
    """The way with the best ratio for files like that; with `plain`, ZSTD or RAW.

    `sample` has up to 1 MiB of such a file, from a multiple of 4 bytes, not its header. It is a
    block of its own, so a short one looks worse than its file is. "ungain" is never chosen: it
    wants a whole block, and the gain (`tried`).
    """
    raw, simplest = Choice(RAW, 1.0, float("inf")), tried(sample, ZSTD, plain=plain)
    if not _is_hopeful(simplest):
        return raw
    best, least = raw, _LEAST_RATIO
    others = (tried(sample, way) for way in _others(name, sample, plain=plain))
    for found in chain((simplest,), others):
        if found.ratio >= least:
            best, least = found, found.ratio * _NOTABLE
    return best


def is_hopeful(sample: bytes | memoryview) -> bool:
    """Whether some way may make such a file smaller."""
    return _is_hopeful(tried(sample, ZSTD, plain=True))


def _is_hopeful(simplest: Choice) -> bool:
    return simplest.ratio >= _HOPEFUL


def tried(
    sample: Buffer, way: Way, *, plain: bool = False, start: int = 0, gain: Gain | None = None
) -> Choice:
    """What a way does to a block or less: the arguments are those of `encoded`.

    Twice, for the first one of a process finds cold caches.
    """
    seconds, stored = float("inf"), 0
    for _ in range(2):
        began = time.thread_time()
        stored = sum(map(len, encoded(sample, way, plain=plain, start=start, gain=gain)))
        seconds = min(seconds, time.thread_time() - began)
    size = memoryview(sample).nbytes
    return Choice(way, size / max(stored, 1), size / max(seconds, 1e-6))


def _others(name: str, sample: bytes | memoryview, *, plain: bool) -> Iterator[Way]:
    """What besides zstd may be worth a try, the simplest first."""
    if plain or any(name.lower().endswith(ending) for ending in _NO_VALUES):
        return
    import numpy as np

    values = np.frombuffer(sample, np.uint8)
    if _few(values, 15):
        yield Way("nibbles")
    pairs = values[: len(values) // 2 * 2].view("<u2")
    for bits in (4, 8):
        if _few(pairs, (1 << bits) - 1):
            yield Way("counts16", {"bits": bits})
    yield Way("planes2")
    yield Way("planes4")


def _few(values: "Bytes", most: int) -> bool:
    """Whether hardly any value is larger than that."""
    return bool(len(values)) and float((values > most).mean()) <= _MOST_EXCEPTIONS
