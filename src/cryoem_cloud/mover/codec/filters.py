"""Which filter a way and a recipe mean."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.record import JSON
from cryoem_cloud.mover.codec.counts import Counts
from cryoem_cloud.mover.codec.packed import Bytes, Packed, Read
from cryoem_cloud.mover.codec.planes import Planes
from cryoem_cloud.mover.codec.recipe import Recipe, count_of
from cryoem_cloud.mover.codec.ungain import Gains, OwnGain, SharedGain
from cryoem_cloud.mover.codec.way import Gain, Way

__all__ = ["Filter", "filter_of", "filters_for"]


class Filter(Protocol):
    """What is done to a block's bytes before zstd, and undone after it."""

    def packed(self, raw: Bytes) -> Packed | None:
        """What becomes of a block; None if the filter is not for it."""
        ...

    def unpacked(self, read: Read, fields: Mapping[str, JSON], raw: int, /) -> Iterator[Bytes]:
        """The block's `raw` bytes in pieces, of which each is gone when the next comes.

        Raises:
            CorruptObjectError: No block was packed to that.
        """
        ...


_ALONE: Mapping[str, Filter] = {
    "nibbles": Counts(item=1, bits=4),
    "planes2": Planes(2),
    "planes4": Planes(4),
}
_COUNTS16 = "counts16"
_BITS = (4, 8)
_UNGAIN = "ungain"
_ITEM = 4
_MOST_PIXELS = 2**32


def filters_for(way: Way, start: int, gain: Gain | None) -> Iterator[tuple[str, Filter]]:
    """What to try for a block of that way that begins at `start`, the best first, with names.

    None if the way has no filter.
    """
    if way.name == _COUNTS16:
        least = way.parameters.get("bits", min(_BITS))
        for bits in _BITS:
            if bits >= least:
                yield _COUNTS16, Counts(item=2, bits=bits)
        yield "planes2", Planes(2)
    elif way.name == _UNGAIN:
        yield _UNGAIN, _ungain(way, start, gain)
        yield "planes4", Planes(4)
    elif way.name in _ALONE:
        yield way.name, _ALONE[way.name]


def _ungain(way: Way, start: int, gain: Gain | None) -> Filter:
    if gain is None:
        return OwnGain(way.parameters["pixels"])
    first = (start - way.parameters.get("header", 0)) // _ITEM % gain.pixels
    return SharedGain(Gains(gain, first))


def filter_of(recipe: Recipe, gain: Gain | None) -> Filter:
    """The filter that a stored block names.

    Raises:
        CorruptObjectError: There is no such filter, or its gain is not the one given.
    """
    if recipe.way == _COUNTS16 and (bits := count_of(recipe.fields, "bits", max(_BITS))) in _BITS:
        return Counts(item=2, bits=bits)
    if recipe.way == _UNGAIN:
        pixels = count_of(recipe.fields, "pixels", _MOST_PIXELS)
        if "gain" not in recipe.fields:
            return OwnGain(pixels)
        return _shared(recipe, pixels, gain)
    if recipe.way not in _ALONE:
        raise CorruptObjectError(f"a stored block was made in an unknown way, {recipe.way!r:.80}")
    return _ALONE[recipe.way]


def _shared(recipe: Recipe, pixels: int, gain: Gain | None) -> Filter:
    name = recipe.fields["gain"]
    if gain is None or gain.name != name:
        raise CorruptObjectError(f"a stored block needs the gain {name!r:.80}, which was not given")
    if not 0 < pixels == gain.pixels:
        raise CorruptObjectError(f"a stored block has a gain of {pixels} pixels, not {gain.pixels}")
    return SharedGain(Gains(gain, count_of(recipe.fields, "first", pixels - 1)))
