"""Takes a turn: which task this machine works on next."""

import random
from dataclasses import dataclass

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.machine import Pulse
from cryoem_cloud.model.task import Task
from cryoem_cloud.model.turn import Deed, Standing, Turn, standing
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.jobs import PACK, JobRecords
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["MOST_CLAIMS", "Idle", "Taken", "Taker"]

MOST_CLAIMS = 10
"""A task whose machines died so often is given up: it may be what kills them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A task that is ours until we close the claim."""

    task: Task
    claim: Turn
    log: TurnLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """There is nothing to take now.

    `over` says that every task has ended; `needed` that a task may yet become free: its inputs are
    not there, or its holder has not been seen alive of late.
    """

    over: bool
    needed: bool


class Taker:
    """Looks for tasks of one job on behalf of one machine."""

    def __init__(
        self, records: JobRecords, machine: str, *, clock: Clock, dice: random.Random
    ) -> None:
        self._records = records
        self._machine = machine
        self._clock = clock
        self._dice = dice
        self._tasks: list[Task] = []
        self._logs: dict[str, TurnLog] = {}
        self._ended: set[str] = set()
        self._pulses: dict[str, Pulse] = {}
        self._doubtful: Task | None = None
        """Its claim may be ours: the store did not answer."""

    def take(self) -> Taken | Idle:
        """A task that is free or whose holder is dead, found from a random start."""
        ready = self._ready()
        waiting = ready < len(self._tasks) or not self._tasks
        start = self._dice.randrange(ready) if ready else 0
        doubtful = (self._doubtful,) if self._doubtful else ()
        for task in (*doubtful, *self._tasks[start:ready], *self._tasks[:start]):
            if task.name in self._ended:
                continue
            taken = self._try(task)
            if taken is not None:
                return taken
            waiting = waiting or self._may_become_free(task)
        over = bool(self._tasks) and len(self._ended) == len(self._tasks)
        return Idle(over=over, needed=waiting)

    def endings(self) -> tuple[Turn, ...]:
        """The turns that ended the tasks, in the tasks' order; call once every task has ended."""
        return tuple(self._logs[task.name].read()[-1] for task in self._tasks)

    def _ready(self) -> int:
        ready = self._records.ready()
        while len(self._tasks) < ready:
            pack, have = divmod(len(self._tasks), PACK)
            found = self._records.tasks(pack)
            if len(found) <= have:
                raise FormatError(f"job {self._records.number} lacks the tasks of pack {pack}")
            self._tasks.extend(found[have:])
        return ready

    def _try(self, task: Task) -> Taken | None:
        log = self._logs.setdefault(task.name, self._records.turns(task.name))
        turns = log.read()
        state = standing(turns)
        if state in {Standing.DONE, Standing.FAILED}:
            self._ended.add(task.name)
            return None
        over = turns[-1] if state is Standing.HELD else None
        if over and over.holder != self._machine and not self._dead(over.holder):
            return None
        self._doubtful = task
        claim = log.claim(self._machine, over=over)
        self._doubtful = None
        if claim is None:
            return None
        if sum(turn.deed is Deed.CLAIM for turn in turns) >= MOST_CLAIMS:
            reason = f"{MOST_CLAIMS} machines were lost while they worked on it"
            log.close(claim, Deed.FAILED, {"outcome": "failure", "code": 1, "reason": reason})
            self._ended.add(task.name)
            return None
        return Taken(task=task, claim=claim, log=log)

    def _dead(self, holder: str) -> bool:
        now, beat = self._clock.monotonic(), self._records.beat(holder)
        before = self._pulses.get(holder)
        if before is None:
            self._pulses[holder] = Pulse.first(beat, now)
            return self._records.is_gone(holder)
        self._pulses[holder] = before.look(beat, now)
        return self._pulses[holder].dead(now) or self._records.is_gone(holder)

    def _may_become_free(self, task: Task) -> bool:
        turns = self._logs[task.name].read()
        if standing(turns) in {Standing.DONE, Standing.FAILED}:
            return False
        pulse = self._pulses.get(turns[-1].holder) if turns else None
        return pulse is None or not pulse.alive(self._clock.monotonic())
