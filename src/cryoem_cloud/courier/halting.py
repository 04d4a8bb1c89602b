"""Ends the sending of a job's inputs soon after somebody wants that."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cryoem_cloud.ports.clock import Clock

__all__ = ["HaltedError", "Halting"]

_LOOK_S = 1.0


class HaltedError(Exception):
    """Nothing more is sent; what was sent stays in the store."""


@dataclass
class Halting:
    """Asks `wanted`, which looks at files, now and then; for many threads at once."""

    wanted: Callable[[], bool]
    clock: Clock
    _due_s: float = float("-inf")
    _halted: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """Go on, or not.

        Raises:
            HaltedError: Somebody wants that no more is sent.
        """
        with self._lock:
            now_s = self.clock.monotonic()
            if not self._halted and now_s >= self._due_s:
                self._due_s = now_s + _LOOK_S
                self._halted = self.wanted()
            if self._halted:
                raise HaltedError
