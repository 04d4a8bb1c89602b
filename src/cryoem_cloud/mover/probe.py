"""How fast a line is, before anything has gone over it: a little is sent, and taken away again.

Whether a first large file is encoded depends on it, and cannot be changed once its parts are under
way. To a store that is far away nothing is sent: on long lines hardly any computer sends more than
its cores encode, and to find out would take longer than being wrong. On a slow line 1 MiB is sent,
whatever that says being much less than cores encode; the faster it is the more is sent, several
objects at a time, as little tells nothing of a fast line.
"""

import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial

from cryoem_cloud.model.errors import CryoemError, ObjectMissingError
from cryoem_cloud.model.keys import probe_key
from cryoem_cloud.ports.store import Store

__all__ = ["PROBED_BYTES", "probed"]

PROBED_BYTES = 64 * 1024 * 1024
"""Files up to this size are not worth it."""
_MIB = 1024 * 1024
_FAR_S, _FAR_BYTES_PER_S = 0.01, 125e6
"""A round trip, and what is expected of such a line: 1 Gbit/s."""
_STREAMS = 4
_STEPS = ((1, _MIB, 35e6), (_STREAMS, 4 * _MIB, 400e6), (_STREAMS, 16 * _MIB, 0.0))
"""How many objects of how many bytes; the next step follows on a line of more bytes a second."""


def probed(store: Store, project: str, *, monotonic: Callable[[], float]) -> float | None:
    """About how many bytes a second the line to a store takes; None where it could not be tried."""
    keys = [f"{project}/{probe_key(number)}" for number in range(_STREAMS)]
    found: float | None = None
    with ThreadPoolExecutor(_STREAMS) as pool, suppress(CryoemError):
        began_s = monotonic()
        with suppress(ObjectMissingError):
            store.size(keys[0])
        if monotonic() - began_s > _FAR_S:
            return _FAR_BYTES_PER_S
        try:
            for count, size, enough in _STEPS:
                send = partial(store.put, data=os.urandom(_MIB) * (size // _MIB))
                began_s = monotonic()
                _all(pool, send, keys[:count])
                found = count * size / max(monotonic() - began_s, 1e-6)
                if found < enough:
                    break
        finally:
            _all(pool, store.delete, keys)  # also what one that was killed left
    return found


def _all(pool: Executor, call: Callable[[str], None], keys: list[str]) -> None:
    """Make the call for each of the keys, all at once; none is under way when this ends."""
    futures = [pool.submit(call, key) for key in keys]
    try:
        for future in futures:
            future.result()
    finally:
        wait(futures)
