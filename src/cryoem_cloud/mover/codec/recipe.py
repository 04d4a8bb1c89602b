"""Skippable frames of zstd: the recipe in front of a block, and padding.

https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md#skippable-frames
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from cryoem_cloud.model.errors import CorruptObjectError, FormatError
from cryoem_cloud.model.record import JSON, decode, encode, integer, text
from cryoem_cloud.mover.codec.way import VERSION, ZSTD
from cryoem_cloud.ports.parts import Buffer

__all__ = ["HEAD_BYTES", "Recipe", "count_of", "padding", "told"]

_RECIPE, _PADDING, _FRAME = 0x184D2A5C, 0x184D2A5D, 0xFD2FB528
_ZEROS = memoryview(bytes(64 * 1024))
_HEAD = struct.Struct("<II")
HEAD_BYTES = _HEAD.size
_MOST_BYTES = 4096
"""Of a recipe; ours have some 60."""
_KIND = "block"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a block of `raw` bytes was made: what its decoder must know, and nothing else."""

    way: str
    raw: int
    fields: Mapping[str, JSON]

    def frame(self) -> bytes:
        """As a skippable frame."""
        said = encode(_KIND, {"way": self.way, "raw": self.raw, **self.fields}, version=VERSION)
        return _HEAD.pack(_RECIPE, len(said)) + said

    @classmethod
    def split(cls, stored: Buffer, size: int | None) -> tuple["Recipe", memoryview]:
        """The recipe of a stored block of `size` raw bytes (None: of any), and the rest of it.

        A block without one is a zstd frame of the raw bytes.

        Raises:
            CorruptObjectError: It is no stored block of so many raw bytes.
        """
        view = memoryview(stored).cast("B")
        if len(view) < HEAD_BYTES:
            raise CorruptObjectError(f"a stored block has only {len(view)} bytes")
        magic, length = _HEAD.unpack_from(view)
        if magic == _FRAME:
            return cls(ZSTD.name, size or 0, {}), view
        end = HEAD_BYTES + length
        if magic != _RECIPE or length > _MOST_BYTES or end > len(view):
            raise CorruptObjectError("a stored block has no recipe in front")
        recipe = _recipe(bytes(view[HEAD_BYTES:end]))
        if size is not None and recipe.raw != size:
            raise CorruptObjectError(f"a stored block holds {recipe.raw!s:.40} bytes, not {size}")
        return recipe, view[end:]


def _recipe(said: bytes) -> Recipe:
    try:
        fields = decode(_KIND, said)
        version, way, raw = integer(fields, "v"), text(fields, "way"), integer(fields, "raw")
    except FormatError as error:
        raise CorruptObjectError(f"a stored block's recipe cannot be read: {error}") from error
    if version != VERSION:
        raise CorruptObjectError(
            f"a stored block has version {version}, and this program reads {VERSION}",
            hint="if a newer cryoem wrote it: update this one",
        )
    return Recipe(way, raw, {name: fields[name] for name in fields.keys() - {"kind", "v"}})


def told(stored: Buffer) -> tuple[int, str]:
    """What a stored block says of itself: its raw bytes, and the gain that it needs ("": none).

    Of a block without a recipe that is 0.

    Raises:
        CorruptObjectError: It is no stored block.
    """
    view = memoryview(stored).cast("B")
    if len(view) >= HEAD_BYTES and _HEAD.unpack_from(view)[0] == _FRAME:
        return 0, ""
    recipe, _ = Recipe.split(view, None)
    gain = recipe.fields.get("gain", "")
    return recipe.raw, gain if isinstance(gain, str) else ""


def count_of(fields: Mapping[str, JSON], name: str, most: int) -> int:
    """A recipe's number of something.

    Raises:
        CorruptObjectError: It is not there, negative, or more than `most`.
    """
    try:
        found = integer(fields, name)
    except FormatError as error:
        raise CorruptObjectError(f"a stored block's recipe cannot be read: {error}") from error
    if not 0 <= found <= most:
        raise CorruptObjectError(
            f"a stored block's recipe says {name} {found!s:.40} (most: {most})"
        )
    return found


def padding(size: int) -> list[Buffer]:
    """A skippable frame of exactly `size` bytes in pieces, of which zstd and we make nothing.

    They take no memory, however large it is.

    Raises:
        ValueError: It is less than HEAD_BYTES.
    """
    if size < HEAD_BYTES:
        raise ValueError(f"a skippable frame has at least {HEAD_BYTES} bytes, not {size}")
    zeros = size - HEAD_BYTES
    whole, rest = divmod(zeros, len(_ZEROS))
    return [_HEAD.pack(_PADDING, zeros), *[_ZEROS] * whole, _ZEROS[:rest]]
