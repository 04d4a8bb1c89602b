"""An agent's life: up, take turns until none is left, leave."""

import os
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.agent.take import Idle, Taken, Taker
from cryoem_cloud.agent.turn import TurnWork
from cryoem_cloud.agent.vigil import insisting
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.turn import Turn, exit_of
from cryoem_cloud.ports.application import Application
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.machine_self import MachineSelf
from cryoem_cloud.providers.scratch import remove_tree
from cryoem_cloud.stores.beating import Beating
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Agent"]

_LOOK_S = 1.0
"""Between looks for a task, while there may yet be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Works on one job's tasks.

    `environment` and `umask` (None: the agent's own) are for the user's programs.
    """

    records: JobRecords
    myself: MachineSelf
    application: Callable[[str], Application]
    scratch: Path
    environment: Mapping[str, str]
    umask: int | None
    clock: Clock

    def live(self) -> None:
        """Take turns until no task is left or the job has ended; then leave.

        An agent that breaks does not leave, so that another machine takes its place; machines that
        break before they have come through a turn are counted (`ports.provider`), so that this
        ends.
        """
        job = insisting(self.records.job, self.clock.sleep)
        beating = Beating(self.records, self.myself.name)
        beating.start()
        try:
            self._take_turns(job)
        finally:
            beating.stop()
            remove_tree(self.scratch)
        self.myself.leave()

    def _take_turns(self, job: Job) -> None:
        dice = random.Random(self.myself.name)  # noqa: S311  (spreads machines, hides nothing)
        taker = Taker(self.records, self.myself.name, clock=self.clock, dice=dice)
        page = 1 + insisting(lambda: self.records.pages(self.myself.name), self.clock.sleep)
        while insisting(self.records.end, self.clock.sleep) is None:
            found = insisting(taker.take, self.clock.sleep)
            self.myself.up()
            if isinstance(found, Taken):
                page = self._turn(found, job, page)
                self.myself.worked()
            elif self._may_go(found, taker):
                return
            else:
                self.clock.sleep(_LOOK_S)

    def _turn(self, taken: Taken, job: Job, page: int) -> int:
        name = f"{taken.task.name}-{taken.claim.number}"
        application = self.application(job.application)
        environment = {**self.environment, **job.environment}
        environment |= application.worker_environment(
            environment,
            is_root=os.getuid() == 0,
            has_csh=shutil.which("csh", path=environment.get("PATH")) is not None,
        )
        return TurnWork(
            taken=taken,
            job=job,
            records=self.records,
            application=application,
            machine=self.myself.name,
            scratch=self.scratch / name,
            environment=environment,
            umask=self.umask,
            clock=self.clock,
            first_page=page,
        ).work()

    def _may_go(self, idle: Idle, taker: Taker) -> bool:
        if idle.over:
            exit_ = _worst(taker.endings())
            insisting(lambda: self.records.put_end(exit_), self.clock.sleep)
            return True
        return not idle.needed


def _worst(endings: tuple[Turn, ...]) -> Exit:
    """A job's exit: that of its first task that did not succeed, or success."""
    exits = [exit_of(turn) for turn in endings]
    bad = [exit_ for exit_ in exits if exit_.outcome is not Outcome.SUCCESS]
    return bad[0] if bad else Exit(outcome=Outcome.SUCCESS)
