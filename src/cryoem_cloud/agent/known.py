"""What one machine knows of a job's tasks: which there are, and how their turns stand."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.task import Ready, Task
from cryoem_cloud.model.turn import Deed, Standing, Turn, standing
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["Known"]

_STREAMS = 16
_BATCH = 64
"""Tasks that are looked at before what they say is considered."""


class Known:
    """Grows with each look at the store. Tasks go by their places in the job, from 0.

    `turns` says how many turns a task had when it was last looked at or listed; of one that is not
    in it nothing is known. `endings` are the turns that ended tasks.
    """

    def __init__(self, records: JobRecords) -> None:
        self.records = records
        self.tasks: list[Task] = []
        self.turns: dict[int, int] = {}
        self.endings: dict[int, Turn] = {}
        self.failed = False
        """Whether a task is known to have failed."""
        self._ready = Ready()
        self._packs = 0
        self._places: dict[str, int] = {}
        self._logs: dict[int, TurnLog] = {}

    def learn(self) -> None:
        """Read which tasks there are by now.

        Raises:
            FormatError: Tasks are said to be ready that are not there.
        """
        if self.complete:
            return
        ready = self.records.ready()
        while len(self.tasks) < ready.count:
            found = self.records.tasks(self._packs)
            if not found:
                number = self.records.number
                raise FormatError(f"job {number} lacks the tasks of pack {self._packs}")
            start = len(self.tasks)
            self._places |= {task.name: start + at for at, task in enumerate(found)}
            self.tasks.extend(found)
            self._packs += 1
        self._ready = ready

    @property
    def complete(self) -> bool:
        """Whether all tasks are known and may be taken."""
        return self._ready.whole

    @property
    def joins(self) -> bool:
        """Whether the last task that is known joins the others."""
        return bool(self.tasks) and self.tasks[-1].joins

    @property
    def loose(self) -> int:
        """How many tasks may be taken whatever has become of others."""
        return self._ready.count - self.joins

    @property
    def pieces(self) -> int:
        """How many pieces of a job may be taken by now."""
        return sum(task.is_piece for task in self.tasks[: self._ready.count])

    def place(self, name: str) -> int:
        """A task's place; behind all for one that is not known yet."""
        return self._places.get(name, len(self.tasks))

    def log(self, at: int) -> TurnLog:
        """A task's turn log, as far as it was read."""
        if at not in self._logs:
            self._logs[at] = self.records.turns(self.tasks[at].name)
        return self._logs[at]

    def stand(self, at: int) -> tuple[Turn, ...]:
        """A task's turns by now."""
        turns = self.log(at).read()
        self.turns[at] = len(turns)
        if standing(turns) in {Standing.DONE, Standing.FAILED}:
            self.endings[at] = turns[-1]
            self.failed = self.failed or turns[-1].deed is Deed.FAILED
        return turns

    def stand_all(self, places: Iterable[int]) -> None:
        """Look at those of the tasks that are not known to have ended, many at once."""
        open_ = [at for at in places if at not in self.endings]
        with ThreadPoolExecutor(max_workers=_STREAMS) as pool:
            list(pool.map(self.stand, open_))

    def all_ended(self, places: Iterable[int]) -> bool:
        """Look whether all of the tasks have ended, as long as they have.

        First at those that somebody had when last looked at.
        """
        open_ = [at for at in places if at not in self.endings]
        open_.sort(key=lambda at: not self.log(at).known)
        for start in range(0, len(open_), _BATCH):
            batch = open_[start : start + _BATCH]
            self.stand_all(batch)
            if not self.endings.keys() >= set(batch):
                return False
        return True

    def listed(self, begun: Mapping[str, int]) -> None:
        """Take up what a listing says of tasks, by their names."""
        self.turns |= {
            self._places[name]: turns for name, turns in begun.items() if name in self._places
        }

    def is_held(self, at: int) -> bool:
        """Whether somebody has begun a task that is not known to have ended."""
        return at not in self.endings and self.turns.get(at, 0) > 0

    def joined(self) -> tuple[tuple[Task, Turn], ...]:
        """The pieces that have ended, each with its last turn."""
        ended = ((self.tasks[at], self.endings[at]) for at in sorted(self.endings))
        return tuple((task, turn) for task, turn in ended if task.is_piece)
