"""One block of a file: how it is stored, and back (docs/reference/stored-files.md)."""

from collections.abc import Iterator, Sequence

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.codec.recipe import Recipe
from cryoem_cloud.mover.codec.way import ZSTD, Way
from cryoem_cloud.ports.parts import Buffer

# NumPy and zstd are imported with the first block: commands that move none do not wait for them.
# ruff: noqa: PLC0415

__all__ = ["decode_into", "encoded"]

_CHUNK_BYTES = 1024 * 1024


def encoded(raw: Buffer, way: Way, *, plain: bool = False) -> list[bytes]:
    """A block of at most BLOCK_BYTES as it is stored, in pieces: its recipe, and a zstd frame.

    With `plain` the frame alone, of the raw bytes. What is given was decoded, and is the block
    again, bit by bit.

    Raises:
        CorruptObjectError: It was not: the bytes changed meanwhile, or this computer's memory does.
    """
    view = memoryview(raw).cast("B")
    if len(view) > BLOCK_BYTES:
        raise ValueError(f"a block has at most {BLOCK_BYTES} bytes, not {len(view)}")
    recipe, frame = _made(view, ZSTD if plain else way)
    start = 0
    for piece in _decoded(recipe, frame):
        if not _same(view[start : start + len(piece)], piece):
            raise CorruptObjectError(
                "a block is another one after it was encoded and decoded",
                hint="does a program write the file? If not, test this computer's memory",
            )
        start += len(piece)
    return frame if plain else [recipe.frame(), *frame]


def _made(view: memoryview, way: Way) -> tuple[Recipe, list[bytes]]:
    from cryoem_cloud.mover.codec import zstd

    if way != ZSTD:
        import numpy as np

        from cryoem_cloud.mover.codec.filters import filters_for

        for each in filters_for(way):
            if packed := each.packed(np.frombuffer(view, np.uint8)):
                recipe = Recipe(way.name, len(view), packed.fields)
                pieces = (piece.data for piece in packed.pieces)
                return recipe, zstd.frame(pieces, packed.size, filtered=True)
    return Recipe(ZSTD.name, len(view), {}), zstd.frame([view], len(view), filtered=False)


def decode_into(stored: Buffer, raw: memoryview) -> None:
    """Fill `raw` with the block that `stored` holds, whose bytes are not trusted.

    Raises:
        CorruptObjectError: It is not a stored block of exactly so many bytes.
    """
    target = raw.cast("B")
    recipe, frame = Recipe.split(stored, len(target))
    start = 0
    for piece in _decoded(recipe, [frame]):
        target[start : start + len(piece)] = piece
        start += len(piece)


def _decoded(recipe: Recipe, frame: Sequence[Buffer]) -> Iterator[Buffer]:
    """The raw bytes in pieces, of which each is gone when the next comes."""
    from cryoem_cloud.mover.codec.zstd import Reader

    reader = Reader(frame)
    if recipe.way == ZSTD.name:
        for start in range(0, recipe.raw, _CHUNK_BYTES):
            yield reader.read(min(_CHUNK_BYTES, recipe.raw - start))
    else:
        from cryoem_cloud.mover.codec.filters import filter_of

        for piece in filter_of(recipe).unpacked(reader.read, recipe.fields, recipe.raw):
            yield piece.data
    reader.close()


def _same(raw: memoryview, piece: Buffer) -> bool:
    """Whether they are equal; comparing two memoryviews is 10 times slower."""
    if isinstance(piece, bytes):
        return bytes(raw) == piece
    import numpy as np

    return np.array_equal(np.frombuffer(raw, np.uint8), np.frombuffer(piece, np.uint8))
