"""Fetches one file block by block, in any order: each verified, and decoded where it is encoded."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from cryoem_cloud.model.digest import BlockDigester, digest_of_blocks, digits_of
from cryoem_cloud.model.errors import CorruptObjectError, FormatError
from cryoem_cloud.model.file import BLOCK_BYTES, Codec, Content, Part
from cryoem_cloud.model.keys import is_gain_key
from cryoem_cloud.mover.beside import hold
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.holes import write_at
from cryoem_cloud.ports.parts import Take
from cryoem_cloud.ports.store import Store

if TYPE_CHECKING:
    from cryoem_cloud.mover.codec import Gain

__all__ = [
    "DAMAGED",
    "again_if_damaged",
    "comes_in_blocks",
    "decoded",
    "fetch_blocks",
    "require_readable",
]

_READ_BYTES = 256 * 1024
"""Of a raw block at a time: it is digested and written while the processor's cache has it."""
_POOLED_BYTES = 4 * 1024 * 1024
"""The buffers of encoded blocks are multiples of this, so that they are used again."""
_DECODING_BYTES = 6 * 1024 * 1024
"""What decoding a block takes besides its stored bytes."""
_DECODING_SHARE = 1
"""So many bytes by each stored one are left to those blocks that are being decoded."""
_MOST_STORED_BYTES = 2 * BLOCK_BYTES
"""No encoded block is larger."""
_TRIES = 3
"""How often what comes damaged is asked for."""
DAMAGED = "cryoem verify --repair sends a file again that is here as it was stored"
"""What to do about it."""
_VERSIONS = {"blocks": 2, "zstd": 0}
"""The codecs that we read, and their newest versions."""

Moved = Callable[[int], None]


def again_if_damaged(call: Callable[[], None]) -> None:
    """Do it again when what came is damaged: the network may have done that, or the store.

    Raises:
        CorruptObjectError: It is damaged each time.
    """
    for left in reversed(range(_TRIES)):
        try:
            call()
        except CorruptObjectError:
            if not left:
                raise
        else:
            return


def require_readable(content: Content) -> None:
    """See to it that this version knows how the content is stored, and that it makes sense.

    Raises:
        FormatError: It does not.
    """
    names = [codec.name for codec in content.codecs]
    known = len(names) <= 1 and all(map(_is_known, content.codecs))
    gained = not content.gain or (names == ["blocks"] and is_gain_key(content.gain))
    if not (known and gained) or bool(content.codecs) != bool(content.parts):
        raise FormatError(
            f"{content.key} is stored as {', '.join(names) or 'parts'},"
            " which this version cannot read",
            hint="update cryoem",
        )
    if content.codecs:
        _require_rows(content)
    elif content.stored != content.size:
        raise FormatError(f"{content.key}: {content.size} bytes cannot be {content.stored} there")
    counted = len(content.blocks) or len(content.codecs)  # encoded in one block: by its own digest
    if counted and counted != max(1, ceil(content.size / BLOCK_BYTES)):
        raise FormatError(f"{content.key}: {counted} digests of its blocks are not all")


def _is_known(codec: Codec) -> bool:
    version = codec.parameters.get("version", 0)
    return isinstance(version, int) and version <= _VERSIONS.get(codec.name, -1)


def comes_in_blocks(store: Store, content: Content) -> bool:
    """Whether it has to be, or is better, fetched block by block."""
    return bool(content.codecs) or (store.parts is not None and len(content.blocks) > 1)


def fetch_blocks(
    engine: Engine, store: Store, project: str, content: Content, *, beside: Path, moved: Moved
) -> None:
    """Make `beside`, which is absent, a file of the content's raw bytes, each block verified.

    Raises:
        CorruptObjectError: A block, or the gain that it needs, is not the one that was promised,
            however often it is asked for.
        ObjectMissingError: There is no such object, or not the gain that it needs.
    """
    blocks = content.blocks or (digits_of(content.digest),)
    _require_one_story(content)
    gain = _gain(engine, store, project, content.gain) if content.gain else None
    key = f"{project}/{content.key}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        hold(descriptor)
        os.ftruncate(descriptor, content.size)
        fetch = _Fetch(engine, store, key, content, blocks, gain, descriptor, moved)
        engine.each(fetch.block, range(len(blocks)))
    finally:
        os.close(descriptor)


def _gain(engine: Engine, store: Store, project: str, name: str) -> "Gain":
    return engine.coded(partial(engine.gains.of, store, project, name))


def decoded(data: bytes, content: Content) -> bytes:
    """The raw bytes of an encoded content; `data` is all that is stored of it. Not verified."""
    from cryoem_cloud.mover.codec import decode_into  # noqa: PLC0415  (NumPy, where it is needed)

    raw = bytearray(content.size)
    for row in content.parts:
        view = memoryview(raw)[row.raw_start : row.raw_start + row.raw_length]
        with _naming(content):
            decode_into(memoryview(data)[row.stored_start : _stored_end(row)], view)
    return bytes(raw)


@contextmanager
def _naming(content: Content) -> Iterator[None]:
    """Say of which object the stored bytes are that cannot be decoded."""
    try:
        yield
    except CorruptObjectError as error:
        raise CorruptObjectError(f"{content.key}: {error.message}", hint=DAMAGED) from error


def _require_one_story(content: Content) -> None:
    """See to it that the digest is of the blocks' digests, so that they stand for it."""
    if content.blocks and content.digest.startswith("blake3b:"):
        try:
            found = digest_of_blocks(content.blocks)
        except ValueError as error:
            raise FormatError(f"{content.key}: its blocks' digests cannot be read") from error
        if found != content.digest:
            raise CorruptObjectError(f"{content.key}: its digest is not that of its blocks")


def _require_rows(content: Content) -> None:
    """See to it that the rows are the file's blocks, in order, and lie in the object's range."""
    start = end = 0
    for row in content.parts:
        length = min(BLOCK_BYTES, content.size - start)
        stored = 0 < row.stored_length <= _MOST_STORED_BYTES and row.stored_start >= end
        if (row.raw_start, row.raw_length) != (start, length) or not stored:
            raise FormatError(f"{content.key}: its parts are not its blocks in order")
        start, end = start + length, _stored_end(row)
    if start != content.size or end > content.stored:
        raise FormatError(f"{content.key}: its parts do not make up the file")


def _stored_end(row: Part) -> int:
    return row.stored_start + row.stored_length


class _Taking:
    """Writes what comes into one block's place in a file, and digests it."""

    def __init__(self, descriptor: int, start: int, length: int, *, holes: bool) -> None:
        self._descriptor, self._at, self._end = descriptor, start, start + length
        self._holes = holes
        self._digester = BlockDigester()

    def take(self, view: memoryview) -> None:
        """The next bytes.

        Raises:
            CorruptObjectError: They would be in the next block.
        """
        if self._at + len(view) > self._end:
            raise CorruptObjectError("a block is longer than it can be", hint=DAMAGED)
        self._digester.update(view)
        write_at(self._descriptor, self._at, view, holes=self._holes)
        self._at += len(view)

    @property
    def digits(self) -> str:
        """Of all so far."""
        return self._digester.digits


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One file that is being fetched into an open one."""

    engine: Engine
    store: Store
    key: str
    content: Content
    blocks: tuple[str, ...]
    gain: "Gain | None"
    descriptor: int
    moved: Moved

    def block(self, number: int) -> None:
        """Fetch a block until it is the one that was promised."""
        once = self._encoded if self.content.codecs else self._raw
        holes = iter((True,))  # then there may be what came before
        again_if_damaged(lambda: once(number, holes=next(holes, False)))

    def _raw(self, number: int, *, holes: bool) -> None:
        start = number * BLOCK_BYTES
        length = min(BLOCK_BYTES, self.content.size - start)
        taking = _Taking(self.descriptor, start, length, holes=holes)
        with self.engine.pool.holding(_READ_BYTES) as held:
            self._read(start, held.views[0], length=length, take=taking.take)
        self._require(number, taking.digits)
        self.moved(length)

    def _encoded(self, number: int, *, holes: bool) -> None:
        row = self.content.parts[number]
        size = _pooled(row.stored_length)
        with self.engine.pool.holding(size, besides=_DECODING_SHARE * size) as stored:
            data = stored.views[0][: row.stored_length]
            self._read(row.stored_start, data)
            with self.engine.decoding.holding(besides=_DECODING_BYTES):
                decoding = partial(self._decoded, row, data, holes=holes)
                with _naming(self.content):
                    found = self.engine.coded(decoding)
                self._require(number, found)
        self.moved(row.raw_length)

    def _decoded(self, row: Part, data: memoryview, *, holes: bool) -> str:
        """Write a block as it is decoded, and give its digest."""
        from cryoem_cloud.mover.codec import decoded as pieces_of  # noqa: PLC0415  (needs NumPy)

        start, length = row.raw_start, row.raw_length
        taking = _Taking(self.descriptor, start, length, holes=holes)
        for piece in pieces_of(data, row.raw_length, gain=self.gain):
            taking.take(memoryview(piece).cast("B"))
        return taking.digits

    def _read(
        self, at: int, view: memoryview, *, length: int | None = None, take: Take | None = None
    ) -> None:
        """As `ports.parts.Parts.read_into`, of any store."""
        start, whole = self.content.start + at, len(view) if length is None else length
        with self.engine.stream(whole):
            if self.store.parts is not None:
                self.store.parts.read_into(self.key, start, view, length=length, take=take)
                return
            data = self.store.get(self.key, start=start, length=whole)
        if len(data) != whole:
            raise CorruptObjectError(f"{self.key} ends too early")
        if take:
            take(memoryview(data))
        else:
            view[:] = data

    def _require(self, number: int, found: str) -> None:
        if found != self.blocks[number]:
            raise CorruptObjectError(
                f"{self.content.key}: the bytes of block {number} are not those that were stored",
                hint=DAMAGED,
            )


def _pooled(size: int) -> int:
    """The size of the buffer for so many bytes: there are few sizes, so that they are reused."""
    step = _POOLED_BYTES if size > _POOLED_BYTES else _POOLED_BYTES // 4
    return ceil(size / step) * step
