"""One block of a file: how it is stored, and back (docs/reference/stored-files.md)."""

from collections.abc import Iterator, Sequence

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.codec.recipe import Recipe
from cryoem_cloud.mover.codec.way import ZSTD, Gain, Way
from cryoem_cloud.ports.parts import Buffer

# NumPy and zstd are imported with the first block: commands that move none do not wait for them.
# ruff: noqa: PLC0415

__all__ = ["decode_into", "decoded", "encoded"]

_CHUNK_BYTES = 1024 * 1024


def encoded(
    raw: Buffer, way: Way, *, plain: bool = False, start: int = 0, gain: Gain | None = None
) -> list[bytes]:
    """A block of at most BLOCK_BYTES as it is stored, in pieces: its recipe, and a zstd frame.

    With `plain` the frame alone, of the raw bytes. What is given was decoded, and is the block
    again, bit by bit. `start` is where the block begins in its file, and `gain` the file's, if it
    is known; both matter to the way "ungain" alone.

    Raises:
        CorruptObjectError: It was not: the bytes changed meanwhile, or this computer's memory does.
    """
    view = memoryview(raw).cast("B")
    if len(view) > BLOCK_BYTES:
        raise ValueError(f"a block has at most {BLOCK_BYTES} bytes, not {len(view)}")
    recipe, frame = _made(view, ZSTD if plain else way, start, gain)
    done = 0
    for piece in _decoded(recipe, frame, gain):
        if not _same(view[done : done + len(piece)], piece):
            raise CorruptObjectError(
                "a block is another one after it was encoded and decoded",
                hint="does a program write the file? If not, test this computer's memory",
            )
        done += len(piece)
    return frame if plain else [recipe.frame(), *frame]


def _made(view: memoryview, way: Way, start: int, gain: Gain | None) -> tuple[Recipe, list[bytes]]:
    from cryoem_cloud.mover.codec import zstd

    if way != ZSTD:
        import numpy as np

        from cryoem_cloud.mover.codec.filters import filters_for

        for name, each in filters_for(way, start, gain):
            if packed := each.packed(np.frombuffer(view, np.uint8)):
                recipe = Recipe(name, len(view), packed.fields)
                pieces = (piece.data for piece in packed.pieces)
                return recipe, zstd.frame(pieces, packed.size, filtered=True)
    return Recipe(ZSTD.name, len(view), {}), zstd.frame(
        zstd.slices(view), len(view), filtered=False
    )


def decoded(stored: Buffer, size: int, *, gain: Gain | None = None) -> Iterator[Buffer]:
    """The `size` bytes of a stored block in pieces, of which each is gone when the next comes.

    What is stored is not trusted: only when all pieces have come is it known to be a block.

    Raises:
        CorruptObjectError: It is not a stored block of exactly so many bytes, or one that needs
            another gain.
    """
    recipe, frame = Recipe.split(stored, size)
    yield from _decoded(recipe, [frame], gain)


def decode_into(stored: Buffer, raw: memoryview, *, gain: Gain | None = None) -> None:
    """Fill `raw` with the block that `stored` holds, whose bytes are not trusted.

    Raises:
        CorruptObjectError: As `decoded`.
    """
    target, start = raw.cast("B"), 0
    for piece in decoded(stored, len(target), gain=gain):
        target[start : start + len(piece)] = piece
        start += len(piece)


def _decoded(recipe: Recipe, frame: Sequence[Buffer], gain: Gain | None) -> Iterator[Buffer]:
    """The raw bytes in pieces, of which each is gone when the next comes."""
    from cryoem_cloud.mover.codec.zstd import Reader

    reader = Reader(frame)
    if recipe.way == ZSTD.name:
        for start in range(0, recipe.raw, _CHUNK_BYTES):
            yield reader.read(min(_CHUNK_BYTES, recipe.raw - start))
    else:
        from cryoem_cloud.mover.codec.filters import filter_of

        for piece in filter_of(recipe, gain).unpacked(reader.read, recipe.fields, recipe.raw):
            yield piece.data
    reader.close()


def _same(raw: memoryview, piece: Buffer) -> bool:
    """Whether they are equal; comparing two memoryviews is 10 times slower."""
    if isinstance(piece, bytes):
        return bytes(raw) == piece
    import numpy as np

    return np.array_equal(np.frombuffer(raw, np.uint8), np.frombuffer(piece, np.uint8))
