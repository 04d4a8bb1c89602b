"""Which outputs may be sent now, where some of them seal what was written before."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from cryoem_cloud.agent.outputs import Found

__all__ = ["Sealing"]

_SHARE = 0.5
"""Of the time, at most, checkpoints are sent while a program runs."""
_LONGEST_REST_S = 300.0
"""Between two of them, should one have taken long because the store was away."""
_LITTLE_BYTES = 64 * 1024 * 1024
"""Of what is not sent yet, that takes seconds: then everything is sent in its order."""
_LATE_S = 2.0
"""Ranks write at once: files of an iteration may be whole so long after the one that seals it."""


def _never(path: str) -> bool:  # noqa: ARG001  (the name is part of what they are)
    """Of a program whose outputs stand alone."""
    return False


@dataclass
class Sealing:
    """What `seals` says yes to is sent once all that was written before it is.

    Where it `replaces` what was sealed before, as a task goes on from the newest checkpoint alone,
    and more is to be sent than goes within seconds, the newest one is sent first, and whole; what
    belongs to one that was passed over is sent when there is nothing newer, at the latest when the
    task ends. So a program that writes checkpoints faster than they can be sent does not leave the
    store with an old one.
    """

    seals: Callable[[str], bool] = _never
    replaces: Callable[[str], bool] = _never
    hurried: Callable[[], bool] = lambda: False
    """Whether checkpoints are to be sent without a rest, as the machine may be taken."""
    _aim: Found | None = None
    _since: tuple[int, str] = (-1, "")
    """When the checkpoint before the aim was sealed."""
    _aimed_s: float = 0.0
    _rest_until_s: float = field(default=float("-inf"))

    def due(
        self,
        settled: Sequence[Found],
        there: Callable[[], Iterable[Found]],
        sent: Callable[[Found], bool],
        now_s: float,
    ) -> list[Found]:
        """Those of the settled outputs that may be sent now; `there` is everything there is.

        It is asked once, and only where something would be sealed.
        """
        everything = cache(lambda: tuple(there()))
        self._look(settled, everything, now_s)
        if self._aim is None and self._rests(now_s):
            return []
        return [
            found
            for found in settled
            if self._is_turn_of(found)
            and not (self.seals(found.path) and self._is_too_early(found, everything(), sent))
        ]

    def doubtful(self, there: Iterable[Found]) -> frozenset[Found]:
        """Those that seal what may not be whole, of a program that was lost as it wrote.

        A checkpoint is whole where there is a later one.
        """
        seals = [found for found in there if self.seals(found.path)]
        replaced = sorted((f for f in seals if self.replaces(f.path)), key=_when)[:-1]
        return frozenset(seals) - frozenset(replaced)

    def _look(
        self, settled: Sequence[Found], there: Callable[[], Iterable[Found]], now_s: float
    ) -> None:
        """Aim at the newest checkpoint that is not sent, once the last one is, and after a rest."""
        if self._aim is not None and self._aim not in settled:
            took_s = now_s - self._aimed_s
            rest_s = took_s * (1 - _SHARE) / _SHARE
            self._rest_until_s = now_s + min(rest_s, _LONGEST_REST_S)
            self._aim, self._since = None, (-1, "")
        seals = [found for found in settled if self.replaces(found.path)]
        if self._aim is not None or not seals or self._rests(now_s):
            return
        if sum(found.stamp.size for found in settled) <= _LITTLE_BYTES:
            return
        self._aim, self._aimed_s = max(seals, key=_when), now_s
        before = (_when(found) for found in there() if self.replaces(found.path))
        self._since = max((when for when in before if when < _when(self._aim)), default=(-1, ""))

    def _rests(self, now_s: float) -> bool:
        return now_s < self._rest_until_s and not self.hurried()

    def _is_turn_of(self, found: Found) -> bool:
        if self._aim is None or found == self._aim:
            return True
        until_ns = self._aim.stamp.mtime_ns + int(_LATE_S * 1e9)
        within = self._since < _when(found) and found.stamp.mtime_ns <= until_ns
        return within and not self.replaces(found.path)

    def _is_too_early(
        self, seal: Found, there: Iterable[Found], sent: Callable[[Found], bool]
    ) -> bool:
        """Whether it would seal what is not all sent; of two of the same instant one goes first.

        Folders that are empty are not waited for: they are sent when the task ends.
        """
        here = self._order(seal)
        return any(
            self._since < _when(other) and self._order(other) < here and not sent(other)
            for other in there
            if other.is_file or other.is_link
        )

    def _order(self, found: Found) -> tuple[int, bool, str]:
        return found.stamp.mtime_ns, self.seals(found.path), found.path


def _when(found: Found) -> tuple[int, str]:
    return found.stamp.mtime_ns, found.path
