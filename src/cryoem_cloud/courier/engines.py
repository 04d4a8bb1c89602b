"""What moves the bytes of jobs, both ways, as their project's settings say."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from cryoem_cloud.mover.engine import FETCH_BYTES, SEND_BYTES, Engine, Line
from cryoem_cloud.settings import Settings

__all__ = ["BothWays", "EnginesBySettings", "both_ways"]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class BothWays:
    """What comes home leaves most of the line to what is being sent: machines wait for that."""

    sending: Engine
    fetching: Engine


def both_ways(sending: Engine, *, most_bytes_per_s: float | None = None) -> BothWays:
    """With what comes home behind what is sent; `most_bytes_per_s` of what comes home."""
    line = Line(most_bytes_per_s=most_bytes_per_s, behind=(sending,))
    return BothWays(sending, Engine(memory_bytes=FETCH_BYTES, line=line))


class EnginesBySettings:
    """Projects whose settings say the same share engines, and so a limit. Safe for threads.

    Those that nobody holds any more end, with their threads and their memory.
    """

    def __init__(self, make: Callable[[Settings], BothWays] | None = None) -> None:
        self._make = make or (lambda _: both_ways(Engine(memory_bytes=SEND_BYTES)))
        self._made: WeakValueDictionary[tuple[str, str], BothWays] = WeakValueDictionary()
        self._lock = threading.Lock()

    def of(self, settings: Settings) -> BothWays:
        """Those of projects with these settings; to be held as long as they are used."""
        key = (settings.codec, settings.limit_rate)
        with self._lock:
            found = self._made.get(key)
            if found is None:
                found = self._made[key] = self._make(settings)
            return found
