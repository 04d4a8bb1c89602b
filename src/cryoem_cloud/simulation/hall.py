"""One job and its machines, as a simulation of events.

What decides is real: tasks and their readiness are records in a store, machines choose and claim
tasks with the agent's own taker and turn logs, look again as often as agents do, find the dead by
their beats, and leave when they are not needed; while inputs come, more are ordered as by couriers.
Programs, machines and their losses only take time.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count
from math import ceil

from cryoem_cloud.agent.take import Taken, Taker
from cryoem_cloud.agent.work import look_after_s
from cryoem_cloud.model.machine import HEARTBEAT_S
from cryoem_cloud.model.task import MAIN, Ready, Task, piece_name
from cryoem_cloud.model.turn import Deed, Standing, standing
from cryoem_cloud.planner.reckon import BOOT_S
from cryoem_cloud.planner.strength import Seen
from cryoem_cloud.simulation.time import EventClock
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore

__all__ = ["Happened", "Life", "Machinery", "ToDo", "happened"]

_PROJECT, _JOB = "simulated-00000000", 1
_PACK = 500
_FOUND_DEAD_S = 120.0
"""Within this a lost machine has been found dead: 60 s without a beat, and looks around them."""
_HOUR_S = 3600.0
_COURIER, _COURIER_S = "courier", 15.0
"""Who orders machines, and how often, at least, it looks whether more are worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDo:
    """A job's tasks, in seconds on one of its machines.

    `pieces` are worked on by any machine once they have come (`come_s`, in order, since the job
    began); `join_s` is the whole of a job without pieces, or what joins them. Of a task that is
    lost, what its last checkpoint had is kept; they are so far apart (0: there are none). Pieces
    are expected to take `expected` times what they do, before one has ended.
    """

    pieces: Sequence[float] = ()
    come_s: Sequence[float] = ()
    join_s: float = 0.0
    checkpoints_s: float = 0.0
    expected: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machinery:
    """So many machines, each up `boot_s` after its order, or up already.

    They are ordered as the job begins; where its pieces come one by one, as these are worth it.
    Each is lost so many times an hour, on average, and replaced at once.
    """

    count: int
    boot_s: float
    is_up: bool = False
    losses_h: float = 0.0


@dataclass(frozen=True, slots=True)
class Life:
    """A machine, from its order to its end; seconds since the job began."""

    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """How it went: when the job had ended, its machines, and how many were lost at work.

    It has `failed` where so many machines were lost with a task that it was given up.
    """

    end_s: float
    lives: Sequence[Life]
    lost: int
    failed: bool = False

    @property
    def machine_s(self) -> float:
        """Of all machines."""
        return sum(life.to_s - life.from_s for life in self.lives)


def happened(todo: ToDo, machinery: Machinery, dice: random.Random) -> Happened:
    """Let the job happen once."""
    hall = _Hall(todo, machinery, dice)
    hall.run()
    return Happened(end_s=hall.end_s, lives=tuple(hall.lives), lost=hall.lost, failed=hall.failed)


@dataclass(slots=True)
class _Machine:
    """One that is alive."""

    name: str
    taker: Taker
    from_s: float
    dies_s: float
    looks: int = 0
    beat: int = -1
    task: Taken | None = None
    since_s: float = 0.0


@dataclass
class _Hall:
    todo: ToDo
    machinery: Machinery
    dice: random.Random
    clock: EventClock = field(default_factory=EventClock)
    lives: list[Life] = field(default_factory=list)
    lost: int = 0
    end_s: float = 0.0

    def __post_init__(self) -> None:
        self.records = JobRecords(MemoryStore(), _PROJECT, _JOB)
        self.alive: dict[str, _Machine] = {}
        self.kept_s: dict[str, float] = {}
        """Of each task, what its checkpoints have."""
        self.seconds = {piece_name(n + 1): each for n, each in enumerate(self.todo.pieces)}
        self.seconds[MAIN] = self.todo.join_s
        self.events: list[tuple[float, int, str]] = []
        self.order = count()
        self.numbers = count(1)
        self.come, self.ready = 0, Ready()
        self.failed = False
        self.ordered = 0
        self.ended_s = 0.0
        """Of pieces that have ended, what they took."""
        self.alert_s = 0.0
        """Until then, machines look for one that may be dead."""
        self._put_tasks()

    def _put_tasks(self) -> None:
        pieces = [Task(name=name, script="", inputs=()) for name in self.seconds if name != MAIN]
        main = Task(name=MAIN, script="", inputs=(), joins=bool(pieces))
        tasks = (*pieces, main)
        for pack, start in enumerate(range(0, len(tasks), _PACK)):
            self.records.put_tasks(tasks[start : start + _PACK], pack=pack)

    def run(self) -> None:
        """Until the last task has ended; where all machines have left before, others are sent."""
        boot_s = 0.0 if self.machinery.is_up else self.machinery.boot_s
        while not self.end_s:
            if self.todo.come_s and not self.ordered:
                self._strengthen(0.0)
            else:
                self._order_up_to(self.machinery.count, boot_s)
            boot_s = self.machinery.boot_s
            while self.events and not self.end_s:
                self._next()
        for machine in tuple(self.alive.values()):
            self._gone(machine)

    def _strengthen(self, now_s: float) -> None:
        """As a courier does that looks while pieces are sent, and once more when all are."""
        items = list(accumulate(self.todo.pieces, initial=0.0))
        sent, first = items[self.come], items[min(self.come, 1)]
        seen = Seen(
            items=items[-1],
            sent=sent,
            ended=self.ended_s,
            item_s=1.0 if self.ended_s else self.todo.expected,
            counted=sent - first,
            counted_s=now_s - self.todo.come_s[0],
        )
        most, boot_s = self.machinery.count, self.machinery.boot_s
        self._order_up_to(seen.wanted(there=self.ordered, most=most, boot_s=BOOT_S.p50), boot_s)
        if self.come < len(self.todo.pieces):
            self._at(now_s + _COURIER_S, _COURIER)

    def _order_up_to(self, strength: int, boot_s: float) -> None:
        """Have machines started that are not there yet; all of them where all have left."""
        for _ in range(strength - len(self.alive)):
            self._order(self.clock.monotonic(), boot_s)
        self.ordered = strength

    def _order(self, now_s: float, boot_s: float) -> None:
        """Have a machine started."""
        name, up_s = f"m{next(self.numbers)}", now_s + boot_s
        rate = self.machinery.losses_h / _HOUR_S
        dies_s = up_s + self.dice.expovariate(rate) if rate else float("inf")
        taker = Taker(self.records, name, clock=self.clock, dice=random.Random(self.dice.random()))  # noqa: S311  (no secret)
        self.alive[name] = _Machine(name, taker, now_s, dies_s)
        self._at(min(up_s, dies_s), name)

    def _at(self, when_s: float, name: str) -> None:
        heapq.heappush(self.events, (when_s, next(self.order), name))

    def _next(self) -> None:
        now_s, _, name = heapq.heappop(self.events)
        self.clock.go_to(now_s)
        self._arrive(now_s)
        if name == _COURIER:
            self._strengthen(now_s)
            return
        machine = self.alive[name]
        if now_s >= machine.dies_s:
            self._lose(machine)
            return
        if machine.task is not None:
            self._end(machine.task)
            machine.task = None
        if not self.end_s:
            self._look(machine)

    def _arrive(self, now_s: float) -> None:
        """What has come by now may be taken."""
        come_s, of = self.todo.come_s, len(self.seconds)
        while self.come < len(come_s) and come_s[self.come] <= now_s:
            self.come += 1
        whole = self.come == len(come_s)
        ready = Ready(of if whole else self.come, of)
        if ready != self.ready:
            self.ready = ready
            self.records.set_ready(ready)

    def _look(self, machine: _Machine) -> None:
        """As an agent does between two tasks."""
        now_s = self.clock.monotonic()
        self._beat(int(now_s / HEARTBEAT_S))
        found = machine.taker.take()
        if isinstance(found, Taken):
            machine.task, machine.looks, machine.since_s = found, 0, now_s
            name = found.task.name
            lasts_s = self.seconds[name] - self.kept_s.get(name, 0.0)
            self._at(min(now_s + lasts_s, machine.dies_s), machine.name)
        elif found.needed and not found.over:
            machine.looks += 1
            when_s = self._worth_looking(now_s, look_after_s(machine.looks))
            self._at(min(when_s, machine.dies_s), machine.name)
        else:
            self._gone(machine)
            if standing(self.records.turns(MAIN).read()) is Standing.FAILED:
                self.end_s, self.failed = now_s, True

    def _beat(self, number: int) -> None:
        """Every machine shows that it lives."""
        for each in self.alive.values():
            if each.beat != number:
                each.beat = number
                self.records.put_beat(each.name, number)

    def _worth_looking(self, now_s: float, every_s: float) -> float:
        """The first of its looks, so far apart, that may find something.

        While more is to come, that is when it has come, unless a machine was lost.
        """
        if now_s < self.alert_s or self.come == len(self.todo.come_s):
            return now_s + every_s  # it may find that it is not needed
        looks = ceil((self.todo.come_s[self.come] - now_s) / every_s)
        return now_s + every_s * max(1, looks)

    def _end(self, taken: Taken) -> None:
        if not taken.log.close(taken.claim, Deed.DONE):
            return
        if taken.task.name == MAIN:
            self.end_s = self.clock.monotonic()
        else:
            self.ended_s += self.seconds[taken.task.name]

    def _lose(self, machine: _Machine) -> None:
        """It is gone in the middle of what it did; the provider starts another one."""
        now_s = self.clock.monotonic()
        if machine.task is not None:
            self.lost += 1
            self.alert_s = now_s + _FOUND_DEAD_S
            name, step_s = machine.task.task.name, self.todo.checkpoints_s
            done_s = now_s - machine.since_s
            if step_s:
                kept_s = self.kept_s.get(name, 0.0) + done_s
                self.kept_s[name] = kept_s // step_s * step_s
        self._gone(machine)
        self._order(now_s, self.machinery.boot_s)

    def _gone(self, machine: _Machine) -> None:
        del self.alive[machine.name]
        self.lives.append(Life(machine.from_s, max(machine.from_s, self.clock.monotonic())))
