"""Small files that share one object, where a round trip costs more than their bytes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from cryoem_cloud.model.checks import crc32_of
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.model.file import Codec, Content, Part, Stamp
from cryoem_cloud.mover.codec import ZSTD, encoded
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.stamp import require_unchanged, stamp_of
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
    known: Callable[[str], Content | None],
    engine: Engine,
    moved: Callable[[int], None],
) -> list[tuple[Stamp, Content]]:
    """Store files as one object under a key of nobody else's, and say where their bytes lie.

    What is `known`, by its digest, lies where it did. Each other file is compressed for itself,
    where the engine encodes and that helps. `moved` is told of the files' bytes, once stored.

    Raises:
        SourceChangedError: A file changed while it was read; nothing is stored.
    """
    pieces: list[bytes] = []
    found: list[tuple[Stamp, Content]] = []
    here: dict[str, Content] = {}
    at = 0
    for path in files:
        stamp, data = _read(path)
        digest = digest_of(data)
        content = here.get(digest) or known(digest)
        if content is None:
            piece, codecs = _encoded(data) if engine.encodes else (data, ())
            content = here[digest] = Content(
                key=key,
                start=at,
                stored=len(piece),
                size=len(data),
                digest=digest,
                codecs=codecs,
                parts=(Part(0, len(data), 0, len(piece)),) if codecs else (),
            )
            pieces.append(piece)
            at += len(piece)
        found.append((stamp, content))
    if pieces:
        with engine.stream(at):
            store.put(f"{project}/{key}", b"".join(pieces))
        moved(sum(content.size for content in here.values()))
    checks = (crc32_of(pieces),)
    return [
        (stamp, replace(content, checks=checks) if content.key == key else content)
        for stamp, content in found
    ]


def _read(path: Path) -> tuple[Stamp, bytes]:
    stamp = stamp_of(path)
    with path.open("rb", buffering=0) as file:
        data = file.read(stamp.size + 1)
        require_unchanged(path, file.fileno(), stamp)
    if len(data) != stamp.size:
        raise SourceChangedError(f"{path} changed while it was read")
    return stamp, data


def _encoded(data: bytes) -> tuple[bytes, tuple[Codec, ...]]:
    piece = b"".join(encoded(data, ZSTD, plain=True)) if data else data
    if len(piece) >= _WORTH * len(data):  # so is an empty one, which has no blocks
        return data, ()
    return piece, (Codec("zstd", {}),)
