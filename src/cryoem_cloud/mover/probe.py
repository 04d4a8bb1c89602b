"""How fast a line is, before anything has gone over it: a little is sent, and taken away again.

Whether a first large file is encoded depends on it, and cannot be changed once its parts are under
way. On a slow line 1 MiB is sent, whatever that says being much less than cores encode; on a fast
one 16 MiB more, several at a time.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.keys import probe_key
from cryoem_cloud.ports.store import Store

__all__ = ["PROBED_BYTES", "probed"]

PROBED_BYTES = 64 * 1024 * 1024
"""Files up to this size are not worth it."""
_FIRST_BYTES = 1024 * 1024
_FAST_S = 0.03
"""35 MB/s or more, connecting included."""
_STREAMS, _EACH_BYTES = 4, 4 * 1024 * 1024


def probed(store: Store, project: str, *, monotonic: Callable[[], float]) -> float | None:
    """About how many bytes a second the line to a store takes; None where it could not be tried."""
    piece = os.urandom(_FIRST_BYTES)

    def sent(number: int, data: bytes) -> None:
        key = f"{project}/{probe_key(number)}"
        try:
            store.put(key, data)
        finally:
            store.delete(key)

    with suppress(CryoemError):
        began_s = monotonic()
        sent(0, piece)
        took_s = monotonic() - began_s
        if took_s > _FAST_S:
            return _FIRST_BYTES / took_s
        data = piece * (_EACH_BYTES // _FIRST_BYTES)
        began_s = monotonic()
        with ThreadPoolExecutor(_STREAMS) as pool:
            list(pool.map(lambda number: sent(number, data), range(_STREAMS)))
        return _STREAMS * _EACH_BYTES / max(monotonic() - began_s, 1e-6)
    return None
