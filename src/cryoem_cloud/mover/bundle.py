"""Small files that share one object, where a round trip costs more than their bytes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from cryoem_cloud.model.checks import crc32_of
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.model.file import Codec, Content, Part, Stamp
from cryoem_cloud.mover.codec import ZSTD, encoded
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.stamp import CHANGED, require_unchanged, stamp_from
from cryoem_cloud.ports.store import Store

__all__ = ["BUNDLED_BYTES", "BUNDLE_BYTES", "groups", "send_bundle"]

T = TypeVar("T")

BUNDLED_BYTES = 256 * 1024
"""Files up to this size may share an object; larger ones are found under their own names."""
BUNDLE_BYTES = 4 * 1024 * 1024
"""Of files in one object, before they are encoded."""
_BUNDLE_FILES = 1000
_WORTH = 0.95
"""A file is stored encoded if that leaves no more of it."""


def groups(files: Sequence[T], size_of: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """Neighbours of which each group has 4 MiB at most, or is one file."""
    start, size = 0, 0
    for at, file in enumerate(files):
        more = size_of(file)
        if at > start and (size + more > BUNDLE_BYTES or at - start == _BUNDLE_FILES):
            yield files[start:at]
            start, size = at, 0
        size += more
    if start < len(files):
        yield files[start:]


def send_bundle(
    store: Store,
    files: Sequence[Path],
    *,
    project: str,
    key: str,
    known: Callable[[Sequence[str]], Mapping[str, Content]],
    engine: Engine,
    moved: Callable[[int], None],
) -> list[tuple[Stamp, Content]]:
    """Store files as one object under a key of nobody else's, and say where their bytes lie.

    What is `known`, by its digest, lies where it did. Each other file is compressed for itself,
    where the engine encodes and that helps. `moved` is told of the files' bytes, once stored.

    Raises:
        SourceChangedError: A file changed while it was read; nothing is stored.
    """
    read = [_read(path) for path in files]
    digests = [digest_of(data) for _, data in read]
    there = known(digests)
    new = {
        digest: data for (_, data), digest in zip(read, digests, strict=True) if digest not in there
    }
    pieces = _pieces(engine, list(new.values()))
    made = dict(zip(new, _contents(key, new, pieces), strict=True))
    if new:
        stored = b"".join(piece for piece, _ in pieces)
        with engine.stream(len(stored)):
            store.put(f"{project}/{key}", stored)
        moved(sum(map(len, new.values())))
    return [
        (stamp, there.get(digest) or made[digest])
        for (stamp, _), digest in zip(read, digests, strict=True)
    ]


_Piece = tuple[bytes, tuple[Codec, ...]]


def _pieces(engine: Engine, files: list[bytes]) -> list[_Piece]:
    """Files as they are stored; all of them by one core, which others do not wait for."""
    if not engine.encodes:
        return [(data, ()) for data in files]
    return engine.coded(lambda: [_encoded(data) for data in files])


def _contents(key: str, files: Mapping[str, bytes], pieces: list[_Piece]) -> Iterator[Content]:
    """Where each file lies, by digest, if their pieces are stored one after the other."""
    start, checks = 0, (crc32_of(piece for piece, _ in pieces),)
    for (digest, data), (piece, codecs) in zip(files.items(), pieces, strict=True):
        yield Content(
            key=key,
            start=start,
            stored=len(piece),
            size=len(data),
            digest=digest,
            codecs=codecs,
            parts=(Part(0, len(data), 0, len(piece)),) if codecs else (),
            checks=checks,
        )
        start += len(piece)


def _read(path: Path) -> tuple[Stamp, bytes]:
    with path.open("rb", buffering=0) as file:
        stamp = stamp_from(path, os.fstat(file.fileno()))
        data = file.read(stamp.size + 1)
        require_unchanged(path, file.fileno(), stamp)
    if len(data) != stamp.size:
        raise SourceChangedError(f"{path} changed while it was read", hint=CHANGED)
    return stamp, data


def _encoded(data: bytes) -> _Piece:
    piece = b"".join(encoded(data, ZSTD, plain=True)) if data else data
    if len(piece) >= _WORTH * len(data):  # so is an empty one, which has no blocks
        return data, ()
    return piece, (Codec("zstd", {}),)
