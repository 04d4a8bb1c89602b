"""An agent's life: up, take turns until none is left, leave."""

import os
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from cryoem_cloud.agent.ahead import Ahead
from cryoem_cloud.agent.chain import Preparation, what_follows
from cryoem_cloud.agent.condition import Condition
from cryoem_cloud.agent.engines import Engines
from cryoem_cloud.agent.sighted import Sighted
from cryoem_cloud.agent.take import Taken, Taker
from cryoem_cloud.agent.turn import TurnWork
from cryoem_cloud.agent.vigil import Ears, Extensions, insisting
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.turn import exit_of
from cryoem_cloud.ports.application import Application
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.machine_self import MachineSelf
from cryoem_cloud.providers.scratch import remove_tree
from cryoem_cloud.stores.beating import Beating
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.made import made_by
from cryoem_cloud.stores.nexts import Next

__all__ = ["Agent", "look_after_s"]

_LOOK_S, _LONGEST_LOOK_S = 1.0, 5.0
"""Between looks for a task, while there may yet be one: looks are requests."""
_QUICK_LOOKS = 10


def look_after_s(looks: int) -> float:
    """How long to wait after so many looks in a row that found nothing."""
    return min(_LOOK_S * (1 + looks // _QUICK_LOOKS), _LONGEST_LOOK_S)


@dataclass(frozen=True, kw_only=True)
class Agent:
    """Works on one job's tasks, and on those of the jobs that go on after it.

    `environment` and `umask` (None: the agent's own) are for the user's programs.
    """

    records: JobRecords
    myself: MachineSelf
    application: Callable[[str], Application]
    scratch: Path
    environment: Mapping[str, str]
    umask: int | None
    clock: Clock
    sighted: Sighted | None = None
    """Keeps the ledger of this machine, where it is paid for."""
    record: Callable[[], None] = lambda: None
    """Has the ledger know what was asked of the store until now."""
    _made: dict[int, Mapping[str, Entry]] = field(default_factory=dict)
    """What jobs have made that others resume, by their numbers: read once, as it may be much."""
    _engines: dict[str, Engines] = field(default_factory=dict)
    """By codec: jobs that go on after others have settings of their own."""

    def live(self) -> None:
        """Take turns until no task is left or the job has ended; then leave.

        Where jobs go on after one that has ended well, go on with them before that, the first one
        and all that goes on after it first.

        An agent that breaks does not leave, so that another machine takes its place; machines that
        break before they have come through a turn are counted (`ports.provider`), so that this
        ends. One that its provider takes away does not leave either.
        """
        if self.sighted is not None:
            self.sighted.start()
        try:
            with self._condition:
                over = self._work()
        finally:
            for engines in self._engines.values():
                engines.close()
            self.record()
            if self.sighted is not None:
                self.sighted.end()
        if self._condition.taken:
            self.myself.make_way()
        else:
            self.myself.leave(last=over)

    @cached_property
    def _condition(self) -> Condition:
        return Condition(self.myself, self.clock, extended=Extensions(self.records).until)

    def _work(self) -> bool:
        """Work on the job and on what goes on after it; whether all of that has ended."""
        followed = self._come_through(self.records)
        todo, over = followed or [], followed is not None
        while todo and not self._condition.taken:
            later = todo.pop()
            records = JobRecords(self.records.store, self.records.project, later.job)
            followed = self._come_through(records, later)
            todo, over = todo + (followed or []), over and followed is not None
        return over

    def _come_through(self, records: JobRecords, later: Next | None = None) -> list[Next] | None:
        """Work on a job, where it is a later one if it can be made ready; what follows, first last.

        None where the job goes on without us. Nothing follows one that has not ended well.
        """
        beating = Beating(records, self.myself.name)
        beating.start()
        try:
            if later is not None and not self._preparation(records, later).made():
                return None
            exit_ = self._take_turns(records)
        finally:
            beating.stop()
            remove_tree(self.scratch)
        if exit_ is None:
            return None
        if exit_.outcome is not Outcome.SUCCESS:
            return []
        return list(reversed(what_follows(records, self.clock.sleep)))

    def _preparation(self, records: JobRecords, later: Next) -> Preparation:
        return Preparation(
            later=later,
            records=records,
            machine=self.myself.name,
            fleet_of=self.records.number,
            application=self.application,
            scratch=self.scratch,
            sleep=self.clock.sleep,
        )

    def _take_turns(self, records: JobRecords) -> Exit | None:
        """Take turns; how the job has ended, None where it goes on without us."""
        job = insisting(records.job, self.clock.sleep)
        dice = random.Random(self.myself.name)  # noqa: S311  (spreads machines, hides nothing)
        taker = Taker(records, self.myself.name, clock=self.clock, dice=dice)
        ahead = Ahead(
            records.store,
            records.project,
            self.scratch / "ahead",
            likely=taker.likely_inputs,
            engine=self._engines_for(job).fetching,
        )
        try:
            return self._turns(taker, job, records, ahead)
        finally:
            ahead.end()

    def _engines_for(self, job: Job) -> Engines:
        codec = job.wish.codec
        if codec not in self._engines:
            self._engines[codec] = Engines.storing(codec)
        return self._engines[codec]

    def _turns(self, taker: Taker, job: Job, records: JobRecords, ahead: Ahead) -> Exit | None:
        page = 1 + insisting(lambda: records.pages(self.myself.name), self.clock.sleep)
        ears, stopping, looks = Ears(records), False, 0
        while (end := insisting(records.end, self.clock.sleep)) is None:
            if self._condition.taken:
                return None
            stopping = stopping or ears.wish() is not None
            found = insisting(partial(taker.take, stopping=stopping), self.clock.sleep)
            self.myself.up()
            if isinstance(found, Taken):
                if found.lost:
                    self.myself.replace(found.lost)
                page = self._turn(found, job, records, page, ahead=ahead)
                self.myself.worked()
                looks = 0
            elif found.over:
                return self._end(records, taker)
            elif not found.needed:
                return None
            else:
                looks += 1
                self.clock.sleep(look_after_s(looks))
            if taker.failed and not stopping:
                insisting(lambda: records.ask(Control.STOP), self.clock.sleep)
        return end

    def _end(self, records: JobRecords, taker: Taker) -> Exit:
        exit_ = exit_of(taker.endings()[-1])
        insisting(lambda: records.put_end(exit_), self.clock.sleep)
        return exit_

    def _turn(self, taken: Taken, job: Job, records: JobRecords, page: int, *, ahead: Ahead) -> int:
        name = f"{taken.task.name}-{taken.claim.number}"
        application = self.application(job.application)
        environment = {**self.environment, **job.environment}
        environment |= application.worker_environment(
            environment,
            is_root=os.getuid() == 0,
            has_csh=not job.wish.container
            and shutil.which("csh", path=environment.get("PATH")) is not None,
        )
        return TurnWork(
            taken=taken,
            job=job,
            records=records,
            earlier=partial(self._made_by, job.resumes),
            application=application,
            machine=self.myself.name,
            scratch=self.scratch / name,
            environment=environment,
            umask=self.umask,
            clock=self.clock,
            first_page=page,
            ahead=ahead,
            engines=self._engines_for(job),
            condition=self._condition,
        ).work()

    def _made_by(self, number: int) -> Mapping[str, Entry]:
        """What a job has made; nothing for 0."""
        if number not in self._made:
            of = JobRecords(self.records.store, self.records.project, number)
            self._made[number] = made_by(of) if number else {}
        return self._made[number]
