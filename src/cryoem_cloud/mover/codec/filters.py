"""Which filter a way and a recipe mean."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.record import JSON
from cryoem_cloud.mover.codec.counts import Counts
from cryoem_cloud.mover.codec.packed import Bytes, Packed, Read, count_of
from cryoem_cloud.mover.codec.planes import Planes
from cryoem_cloud.mover.codec.recipe import Recipe
from cryoem_cloud.mover.codec.way import Way

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


def filters_for(way: Way) -> tuple[Filter, ...]:
    """What to try for a block of that way, the best first; none if it has no filter."""
    if way.name == _COUNTS16:
        least = way.parameters.get("bits", min(_BITS))
        return tuple(Counts(item=2, bits=bits) for bits in _BITS if bits >= least)
    return (_ALONE[way.name],) if way.name in _ALONE else ()


def filter_of(recipe: Recipe) -> Filter:
    """The filter that a stored block names.

    Raises:
        CorruptObjectError: There is no such filter.
    """
    if recipe.way == _COUNTS16 and (bits := count_of(recipe.fields, "bits", max(_BITS))) in _BITS:
        return Counts(item=2, bits=bits)
    if recipe.way not in _ALONE:
        raise CorruptObjectError(f"a stored block was made in an unknown way, {recipe.way!r:.80}")
    return _ALONE[recipe.way]
