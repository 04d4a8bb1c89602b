"""Watches the tasks of others: which to look at, and whether their holders live."""

from collections.abc import Iterable, Sequence

from cryoem_cloud.agent.known import Known
from cryoem_cloud.model.machine import Pulse
from cryoem_cloud.model.turn import FEWEST_ENDED, Standing, Turn, standing
from cryoem_cloud.ports.clock import Clock

__all__ = ["Watch"]

_WATCHED = 4
"""Tasks of others that a machine without work watches; of many, others watch others."""
_WATCH_S = 5.0
"""Between looks at these, in a job of many tasks."""


class Watch:
    """What one machine has seen of those that hold tasks of a job.

    `ring`, from 0 to 1, says where among the tasks it begins to look, so that machines spread.
    """

    def __init__(self, known: Known, machine: str, *, clock: Clock, ring: float) -> None:
        self._known = known
        self._machine = machine
        self._clock = clock
        self._ring = ring
        self._pulses: dict[str, Pulse] = {}
        self._watched: tuple[int, ...] = ()
        self._watched_s = float("-inf")

    def around(self, count: int) -> Iterable[int]:
        """The first tasks, from our own place among them on and round."""
        start = int(self._ring * count)
        return ((start + step) % count for step in range(count))

    def due(self) -> tuple[int, ...]:
        """The tasks to look at now.

        Others are chosen once all of these have ended: first those that cannot have ended as well.
        """
        now_s, count = self._clock.monotonic(), len(self._known.tasks)
        if count > 1 and now_s - self._watched_s < _WATCH_S:
            return ()
        self._watched_s = now_s
        if not self.sees_work:
            held = [at for at in self.around(count) if self._known.is_held(at)]
            held.sort(key=lambda at: self._known.turns[at] >= FEWEST_ENDED)
            self._watched = tuple(held[:_WATCHED])
        return self._watched

    @property
    def sees_work(self) -> bool:
        """Whether a task that we watch had not ended when we last looked, beside what joins."""
        return any(
            self._known.is_held(at) and not self._known.tasks[at].joins for at in self._watched
        )

    @property
    def needed(self) -> bool:
        """Whether we must stay: unless there is work that we watch, and all its holders live."""
        open_ = [at for at in self._watched if at not in self._known.endings]
        return not open_ or any(map(self._may_become_free, open_))

    def forget(self) -> None:
        """Choose anew: what was watched was seen too long ago."""
        self._watched, self._watched_s = (), float("-inf")

    def in_hands(self, turns: Sequence[Turn]) -> bool:
        """Whether a task has ended, or another machine has it that is not dead."""
        stands = standing(turns)
        if stands is not Standing.HELD:
            return stands is not Standing.FREE
        return turns[-1].holder != self._machine and not self.dead(turns[-1].holder)

    def dead(self, holder: str) -> bool:
        """Whether a machine has shown no life for too long, or is known to be gone; a look."""
        now_s, beat = self._clock.monotonic(), self._known.records.beat(holder)
        before = self._pulses.get(holder)
        pulse = before.look(beat, now_s) if before else Pulse.first(beat, now_s)
        self._pulses[holder] = pulse
        if before and beat != before.beat:
            return False
        return pulse.dead(now_s) or self._known.records.is_gone(holder)

    def _may_become_free(self, at: int) -> bool:
        """Whether nobody is known to work on a task that has not ended."""
        turns = self._known.log(at).known
        pulse = self._pulses.get(turns[-1].holder) if turns else None
        return pulse is None or not pulse.alive(self._clock.monotonic())
