"""Many machines at many tasks: what they ask of the store does not grow with their numbers.

A simulation of events: the takers are real, and so is what they ask; programs only take time.
"""

import heapq
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest

from cryoem_cloud.agent.take import Taken, Taker
from cryoem_cloud.agent.work import look_after_s
from cryoem_cloud.model.machine import HEARTBEAT_S
from cryoem_cloud.model.task import MAIN, Ready, Task, piece_name
from cryoem_cloud.model.turn import Deed, Standing, standing
from cryoem_cloud.ports.store import Listed
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.clock import StoppedClock

_LISTED = 1000
"""Keys in one reply of S3's."""


class Asked(MemoryStore):
    """Counts requests as S3 does."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: Counter[str] = Counter()

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        self.requests["get"] += 1
        return super().get(key, start=start, length=length)

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        self.requests["put"] += 1
        super().put(key, data, if_absent=if_absent)

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        self.requests["list"] += 1
        for at, listed in enumerate(super().list(prefix, after=after)):
            if at and at % _LISTED == 0:
                self.requests["list"] += 1
            yield listed


class Shared(JobRecords):
    """Machines ask for packs of tasks as ever, but what these say is worked out once for all."""

    def __init__(self, store: Asked) -> None:
        super().__init__(store, "p-00000000", 1)
        self.requests = store.requests
        self.packs: dict[int, tuple[Task, ...]] = {}

    def tasks(self, pack: int) -> tuple[Task, ...]:
        if pack not in self.packs:
            self.packs[pack] = super().tasks(pack)
        else:
            self.requests["get"] += 1
        return self.packs[pack]


@dataclass
class Hall:
    """Machines that take tasks of one job until none is left; `dice` says how long each takes."""

    tasks: int
    machines: int
    seed: int
    lost: int = 0
    """So many machines die in the middle of a task."""
    clock: StoppedClock = field(default_factory=StoppedClock)
    store: Asked = field(default_factory=Asked)
    done: Counter[str] = field(default_factory=Counter)
    looks: Counter[str] = field(default_factory=Counter)
    """In a row that found nothing, by machine."""
    fleets: int = 1
    """As often as all machines have left, and more were sent."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.records = Shared(self.store)
        pieces = [Task(name=piece_name(n + 1), script="", inputs=()) for n in range(self.tasks)]
        for pack, start in enumerate(range(0, self.tasks, 500)):
            self.records.put_tasks(tuple(pieces[start : start + 500]), pack=pack)
        main = Task(name=MAIN, script="", inputs=(), joins=True)
        self.records.put_tasks((main,), pack=-(-self.tasks // 500))
        self.records.set_ready(Ready(self.tasks + 1, self.tasks + 1))
        self.events: list[tuple[float, int, str, Taker, Taken | None]] = []
        self.order = count()
        self.alive: set[str] = set()
        self.dying = {f"m{n}" for n in range(self.lost)}

    def run(self) -> None:
        """Until the last task is done; where all have left before, a courier sends another one."""
        self.store.requests.clear()
        for n in range(self.machines):
            self.start(f"m{n}", self.dice.uniform(0, 60))
        while MAIN not in self.done:
            self.go()
            if MAIN not in self.done:
                self.fleets += 1
                self.start(f"late{self.fleets}", 60)

    def start(self, name: str, wait_s: float) -> None:
        self.alive.add(name)
        taker = Taker(self.records, name, clock=self.clock, dice=random.Random(name))
        self.at(wait_s, name, taker, None)

    def go(self) -> None:
        beat_s = self.clock.monotonic()
        beats = count(int(beat_s) + 1)
        while self.events and MAIN not in self.done:
            now_s, _, name, taker, taken = heapq.heappop(self.events)
            while beat_s <= now_s:
                beat = next(beats)
                for living in self.alive:
                    self.records.put_beat(living, beat)
                self.store.requests["put"] -= len(self.alive)  # by time, not by task
                beat_s += HEARTBEAT_S
            self.clock.pass_(now_s - self.clock.monotonic())
            self.event(name, taker, taken)

    def event(self, name: str, taker: Taker, taken: Taken | None) -> None:
        """A machine has ended a task, or looks for one."""
        if taken is not None:
            self.end(name, taken)
        self.records.end()
        self.records.asked(1)
        found = taker.take()
        if isinstance(found, Taken):
            if name in self.dying and self.dice.random() < 0.1:
                self.alive.discard(name)
                return
            self.looks[name] = 0
            self.at(self.dice.uniform(120, 300), name, taker, found)
        elif found.needed and not found.over:
            self.looks[name] += 1
            self.at(look_after_s(self.looks[name]), name, taker, None)
        else:
            self.alive.discard(name)

    def end(self, name: str, taken: Taken) -> None:
        """The requests of a turn's end, beside those that carry data: a manifest, the last turn."""
        task = taken.task.name
        self.store.put(f"p-00000000/{task}/{name}/manifest", b"")
        if taken.log.close(taken.claim, Deed.DONE):
            self.done[task] += 1

    def at(self, wait_s: float, name: str, taker: Taker, taken: Taken | None) -> None:
        when = self.clock.monotonic() + wait_s
        heapq.heappush(self.events, (when, next(self.order), name, taker, taken))

    @property
    def requests_a_task(self) -> float:
        return self.store.requests.total() / self.tasks


def all_done_once(hall: Hall) -> None:
    assert set(hall.done.values()) == {1}
    assert len(hall.done) == hall.tasks + 1
    assert standing(hall.records.turns(MAIN).read()) is Standing.DONE


def test_a_task_costs_few_requests_whatever_their_number() -> None:
    few, many = Hall(40, 2, seed=1), Hall(1000, 40, seed=1)
    for hall in (few, many):
        hall.run()
        all_done_once(hall)
        assert hall.requests_a_task <= 12, hall.store.requests


def test_lost_machines_lose_no_task_and_are_missed_by_those_that_live() -> None:
    hall = Hall(1000, 100, seed=2, lost=20)
    hall.run()
    all_done_once(hall)
    assert hall.fleets <= 2


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("machines", "lost", "most"),
    [(200, 0, 12), (200, 20, 20), (1000, 0, 21)],  # who waits, and who has few tasks, costs more
)
def test_ten_thousand_tasks(machines: int, lost: int, most: int) -> None:
    hall = Hall(10_000, machines, seed=3, lost=lost)
    hall.run()
    all_done_once(hall)
    assert hall.requests_a_task <= most, hall.store.requests
    assert hall.fleets <= 3
