"""Sends one file of a single block encoded, in one request."""

from collections.abc import Callable
from math import ceil
from pathlib import Path

from cryoem_cloud.model.checks import crc32_of
from cryoem_cloud.model.digest import digest_of_blocks
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Part, Stamp
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.journal import ZST
from cryoem_cloud.mover.source import Source
from cryoem_cloud.ports.store import Store

__all__ = ["send_encoded"]

_LEAST_BYTES = 64 * 1024
"""Less takes hardly longer raw."""
_STEP_BYTES = 1024 * 1024
"""Buffers have few sizes, so that they are used again."""


def send_encoded(
    engine: Engine,
    store: Store,
    path: Path,
    *,
    project: str,
    key: str,
    moved: Callable[[int], None],
) -> tuple[Stamp, Content] | None:
    """As `push.send_file`, for a file of at most a block; None where encoding is not worth it.

    Raises:
        ObjectExistsError: The key is taken.
        SourceChangedError: The file changed meanwhile; there is no object.
    """
    if engine.kinds.encoding is Encoding.NONE or store.properties.local:
        return None
    with Source(path) as source:
        size = source.stamp.size
        use = None
        if _LEAST_BYTES <= size <= BLOCK_BYTES:
            use = engine.kinds.use(source, link=engine.link_bytes_per_s)
        if use is None:
            return None
        key = key + ZST if use.plain else key
        buffer = ceil(size / _STEP_BYTES) * _STEP_BYTES
        with engine.pool.holding(buffer, besides=3 * size) as held:
            view = held.views[0][:size]
            digest = source.digested(0, view)
            stored = b"".join(engine.encoded(view, use))
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
            codecs=use.codecs,
            parts=(Part(0, size, 0, len(stored)),),
            checks=(crc32_of([stored]),),
        )
