"""Large outputs on their way, each by itself: light ones do not wait for heavy ones."""

from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor

from cryoem_cloud.agent.engines import Engines
from cryoem_cloud.agent.outputs import SMALL_BYTES, Found
from cryoem_cloud.model.file import BLOCK_BYTES, Entry, Stamp
from cryoem_cloud.mover.engine import Engine

__all__ = ["Flights", "by_urgency"]

_STREAMS = 4
_AT_ONCE = 2 * _STREAMS
"""Files of a weight that are on their way or next; of the others it is not settled yet which go
first."""

Landed = Future[tuple[Stamp, Entry]]


def by_urgency(found: Found) -> tuple[int, int]:
    """Sorts outputs: what travels in pages first, then light, then heavy; of these what is new."""
    weight = 0 if not found.is_file or found.stamp.size <= SMALL_BYTES else 1 + _is_heavy(found)
    return weight, -found.stamp.mtime_ns


class Flights:
    """Sends files in the background with `send`, which is told by which engine."""

    def __init__(
        self, engines: Engines, send: Callable[[Found, Engine], tuple[Stamp, Entry]]
    ) -> None:
        self._engines = engines
        self._send = send
        self._pools = {heavy: ThreadPoolExecutor(max_workers=_STREAMS) for heavy in (False, True)}
        self._flying: dict[str, tuple[bool, Landed]] = {}

    def __contains__(self, path: object) -> bool:
        """Whether that file is on its way."""
        return path in self._flying

    def __bool__(self) -> bool:
        """Whether any file is."""
        return bool(self._flying)

    def begin(self, found: Found) -> bool:
        """Send a file, unless so many of its weight are on their way that it has to wait."""
        heavy = _is_heavy(found)
        if sum(weight is heavy for weight, _ in self._flying.values()) >= _AT_ONCE:
            return False
        engine = self._engines.heavy if heavy else self._engines.light
        self._flying[found.path] = heavy, self._pools[heavy].submit(self._send, found, engine)
        return True

    def landed(self, *, wait: bool) -> Iterator[tuple[str, Landed]]:
        """Those that have arrived or failed, each once; with `wait` the first is waited for."""
        if wait:
            flying = [future for _, future in self._flying.values()]
            futures.wait(flying, return_when=futures.FIRST_COMPLETED)
        for path, (_, future) in list(self._flying.items()):
            if future.done():
                del self._flying[path]
                yield path, future

    def close(self) -> None:
        """Begin no more; what is on its way arrives."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)


def _is_heavy(found: Found) -> bool:
    """Whether it is sent in parts, where the store takes any."""
    return found.stamp.size > BLOCK_BYTES
