"""Sends one file of a single block in one request, encoded if that is worth it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from cryoem_cloud.model.checks import crc32_of
from cryoem_cloud.model.digest import digest_of_blocks
from cryoem_cloud.model.file import Content, Part, Stamp
from cryoem_cloud.mover.encoding import Use
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.journal import ZST
from cryoem_cloud.mover.source import Source
from cryoem_cloud.ports.store import Store

__all__ = ["send_whole"]

_LEAST_BYTES = 64 * 1024
"""Less takes hardly longer raw."""
_STEP_BYTES = 1024 * 1024
"""Buffers have few sizes, so that they are used again."""


def send_whole(
    engine: Engine,
    store: Store,
    path: Path,
    *,
    project: str,
    key: str,
    moved: Callable[[int], None],
) -> tuple[Stamp, Content]:
    """As `push.send_file`, for a file of at most a block, and a store that is elsewhere.

    Raises:
        ObjectExistsError: The key is taken.
        SourceChangedError: The file changed meanwhile; there is no object.
    """
    with Source(path) as source:
        size, use = source.stamp.size, None
        if size >= _LEAST_BYTES:
            use = engine.use(source, link=engine.link_bytes_per_s)
        key = key + ZST if use and use.plain else key
        with _made(engine, source, use) as (stored, digest):
            source.require_unchanged()
            with engine.stream(len(stored)):
                store.put(f"{project}/{key}", stored, if_absent=True)
        moved(size)
        return source.stamp, Content(
            key=key,
            start=0,
            stored=len(stored),
            size=size,
            digest=digest_of_blocks([digest]),
            codecs=use.codecs if use else (),
            parts=(Part(0, size, 0, len(stored)),) if use else (),
            checks=(crc32_of([stored]),),
        )


@contextmanager
def _made(engine: Engine, source: Source, use: Use | None) -> Iterator[tuple[bytes, str]]:
    """The file as it is stored, and its digest; so much of the engine's memory is held."""
    size = source.stamp.size
    if use is None:
        with engine.pool.holding(besides=size):
            yield source.whole()
        return
    buffer = ceil(size / _STEP_BYTES) * _STEP_BYTES
    with engine.pool.holding(buffer, besides=3 * size) as held:
        view = held.views[0][:size]
        digest = source.digested(0, view)
        stored = b"".join(engine.encoded(view, use))
        held.keep_only(len(stored))
        yield stored, digest
