"""Brings home what the pieces of a job make while others are still being worked on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryoem_cloud.courier.homeward.carrier import Carrier
from cryoem_cloud.courier.homeward.home import Home
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.piecework.pace import Working
from cryoem_cloud.model.journal import ENDED, LogLines, Page
from cryoem_cloud.model.task import MAIN, Ready, Task
from cryoem_cloud.model.turn import FEWEST_ENDED, Standing, standing
from cryoem_cloud.model.units import counted
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["PieceFollower"]

_LOOK_S = 2.0
"""Between looks at all machines, at least."""
_MACHINE_S = 0.05
"""And for each of them: a look is a request, and however many they are, that is 20 a second."""
_READY_S = 15.0
"""Between looks at whether all tasks are still said to be ready."""
_PAGES_A_LOOK = 50


@dataclass(kw_only=True)
class PieceFollower:
    """Follows the machines of a job in pieces. `home` is made anew when more of it is known.

    All machines are believed, also those that have lost their task to another: in the end what
    `main` names is home, and nothing else. `told` hears how far the job is, from the first word
    of a machine on; `heard` gets the pages with files. `head` is what the log begins with. `failed`
    says that a piece has failed.
    """

    records: JobRecords
    home: Callable[[tuple[Task, ...]], Home]
    cache: Cache
    told: Callable[[str], None]
    clock: Clock
    carrier: Carrier
    heard: Callable[[Page], None] = lambda _: None
    head: str = ""
    failed: bool = False
    working: Working = field(default_factory=Working)
    _tasks: dict[str, Task] = field(default_factory=dict)
    _packs: int = 0
    _here: Home | None = None
    _said: int = 0
    _running: bool = False
    _ended: set[str] | None = None
    """The pieces of which it was told; None before the first look."""
    _due_s: float = float("-inf")
    _ready_due_s: float = float("-inf")

    def look(self) -> None:
        """Bring home what is new, and say in the job's log how far it is."""
        now_s = self.clock.monotonic()
        if now_s < self._due_s:
            return
        self._learn()
        machines = self.records.machines()
        self._due_s = now_s + max(_LOOK_S, _MACHINE_S * len(machines))
        if MAIN in self._tasks and now_s >= self._ready_due_s:
            self._ready_due_s = now_s + _READY_S
            self._say_ready()
        if self._ended is None:
            self._ended = self._told_before(machines)
        for machine in machines:
            self._follow(machine)

    def _told_before(self, machines: Sequence[str]) -> set[str]:
        """The pieces that had ended when an earlier follower was cut off; roughly those it told."""
        if all(self._next_page(machine) == 1 for machine in machines):
            return set()
        begun = self.records.begun()
        return {name for name in self._tasks if begun[name] >= FEWEST_ENDED} - {MAIN}

    @property
    def items(self) -> int:
        """Of all pieces that are known."""
        return sum(task.size for task in self._tasks.values())

    @property
    def items_ended(self) -> int:
        """Of the pieces that are known to have ended."""
        return sum(self._tasks[name].size for name in self._ended or ())

    def joining(self, _phase: str) -> None:
        """Tell what the machine does that has `main`, whatever that is in detail."""
        self.told(f"joining {counted(self._number(), 'piece')}")

    def _say_ready(self) -> None:
        """Say again that all tasks are ready: an earlier word, sent late, may have landed last."""
        whole = Ready(len(self._tasks), len(self._tasks))
        if self.records.ready() != whole:
            self.records.set_ready(whole)

    def _learn(self) -> None:
        while found := self.records.tasks(self._packs):
            self._packs += 1
            self._tasks |= {task.name: task for task in found}
            self._here = None

    def at_home(self) -> Home:
        """The job's place here, as far as its tasks are known; `main`, if it is there."""
        if MAIN not in self._tasks:
            self._learn()
        if self._here is None:
            self._here = self.home(tuple(self._tasks.values()))
        return self._here

    def _next_page(self, machine: str) -> int:
        return self.cache.page(self.records.project, self.records.number, _reader(machine))

    def _follow(self, machine: str) -> None:
        project, job = self.records.project, self.records.number
        number, newest = self._next_page(machine), None
        for _ in range(_PAGES_A_LOOK):
            page = self.records.page(machine, number)
            if page is None:
                if newest is not None and newest.phase != ENDED:
                    self.working.at_work(machine, newest.task, self.clock.monotonic())
                return
            newest = page
            if (task := self._tasks.get(page.task)) and task.is_piece:
                self._take(page)
            number += 1
            self.cache.followed(project, job, _reader(machine), number)

    def _take(self, page: Page) -> None:
        if not self._running:
            self._running = True
            self.told(self._words())
        if page.files or page.small:
            self.carrier.place(self.at_home(), page)
            self.heard(page)
        if page.phase == ENDED:
            state = standing(self.records.turns(page.task).read())
            self.failed = self.failed or state is Standing.FAILED
            task = self._tasks[page.task]
            self.working.ended(page.machine, task.name, task.size, self.clock.monotonic())
            self._tell(task, page.machine)

    def _tell(self, task: Task, machine: str) -> None:
        if self._ended is None or self.records.begun()[MAIN]:  # whose log is the job's
            return
        self._ended.add(task.name)
        self.told(words := self._words())
        head = "" if self._said else self.head
        data = f"{head}cryoem: {task.title}: ended on {machine}; {words}\n".encode()
        home = self.at_home()
        if not self._said:
            home.start_logs()
        home.add_lines(LogLines(log="out", start=self._said, data=data))
        self._said += len(data)

    def _words(self) -> str:
        """How far the job is."""
        ended, number = len(self._ended or ()), self._number()
        return f"{ended} of {counted(number, 'piece')} {'has' if ended == 1 else 'have'} ended"

    def _number(self) -> int:
        """How many pieces there will be."""
        return self.records.ready().of - 1


def _reader(machine: str) -> str:
    """What the cache calls us, who read a machine's journal."""
    return f"{machine}/pieces"
