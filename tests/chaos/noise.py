"""What networks do to requests, drawn request by request."""

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryoem_cloud.testing.proxy import Trouble

__all__ = ["WAYS", "Noise"]

_BUSY = 503
_BROKEN = 500
_FOCUSED = 0.35


@dataclass
class Noise:
    """A share of requests is troubled; nothing is where `on` is false. With `away`, all are.

    Of writes whose key has `focus` in it, many are.
    """

    dice: random.Random
    share: float
    focus: str = ""
    on: bool = False
    away: str = ""
    """How the store is away: "busy", "resets" or "silent"."""
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def trouble(self, headers: Mapping[str, str]) -> Trouble:
        """What happens to one request."""
        with self._lock:
            if self.away:
                return _AWAY[self.away]
            focused = self._is_focused(headers)
            share = max(_FOCUSED if focused else 0.0, self.share)
            if not self.on or self.dice.random() >= share:
                return Trouble()
            weights = _OF_FOCUSED if focused else _WEIGHTS
            name = self.dice.choices(tuple(weights), tuple(weights.values()))[0]
            self.counts[name] += 1
            return self._of(name)

    def _is_focused(self, headers: Mapping[str, str]) -> bool:
        writes = headers[":method"] == "PUT" and bool(self.focus)
        return writes and self.focus in headers[":path"]

    def _of(self, name: str) -> Trouble:
        dice = self.dice
        troubles = {
            "500": Trouble(status=_BROKEN, code="InternalError"),
            "503": Trouble(status=_BUSY, code="SlowDown"),
            "reset": Trouble(reset=True),
            "lost": Trouble(lost=True),
            "late": Trouble(late_s=dice.choice((0.05, 0.5, 3.0, 8.0))),
            "slow": Trouble(silent_s=dice.uniform(0.2, 4)),
            "time-out": Trouble(silent_s=24, lost=True),
            "drip": Trouble(drip_s=0.004),
            "truncated": Trouble(cut_after=dice.choice((0, 1, 100, 5_000))),
            "torn": Trouble(reset_after=dice.choice((0, 1, 100, 5_000))),
        }
        return troubles[name]


_WEIGHTS = {
    "500": 4,
    "503": 4,
    "reset": 4,
    "lost": 6,
    "late": 4,
    "slow": 2,
    "time-out": 0.3,
    "drip": 1,
    "truncated": 3,
    "torn": 3,
}
"""`torn` is an answer whose connection is reset in its middle."""

_OF_FOCUSED = {"late": 5, "lost": 3, "503": 1, "reset": 1}
"""What a writer cannot know the end of, above all."""

_AWAY = {
    "busy": Trouble(status=_BUSY, code="SlowDown"),
    "resets": Trouble(reset=True),
    "silent": Trouble(reset=True, silent_s=5),
}
WAYS = tuple(_AWAY)
"""How a store may be away."""
