"""What a machine does once its job has ended well: it makes the next job of a chain ready."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cryoem_cloud.agent.view import EntriesView
from cryoem_cloud.agent.vigil import insisting
from cryoem_cloud.apps.links import along_links
from cryoem_cloud.model.errors import (
    CryoemError,
    MissingInputError,
    StoreDeniedError,
    StoreUnreachableError,
)
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Need, Outcome
from cryoem_cloud.model.links import inner_link
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.model.task import GOES_ON, MAIN, Ready, Task, on_one_machine
from cryoem_cloud.model.turn import Deed, Standing, standing
from cryoem_cloud.ports.application import Application
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.nexts import Next, nexts
from cryoem_cloud.stores.results import results

__all__ = ["Preparation", "what_follows"]

_LOG = logging.getLogger(__name__)


def what_follows(records: JobRecords, sleep: Callable[[float], None]) -> tuple[Next, ...]:
    """The jobs that go on after this one; one request where there is none.

    Records that cannot be read are left to couriers.
    """
    project, job = records.project, records.number
    try:
        return insisting(lambda: tuple(nexts(records.store, project, job)), sleep)
    except CryoemError as error:
        _LOG.warning("what goes on after job %d is left to couriers: %s", job, error)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """A later job of a chain, and the machine that may make it ready.

    `fleet_of` is the job whose fleet the machine is of. The machine shows life for the later job
    already.
    """

    later: Next
    records: JobRecords
    machine: str
    fleet_of: int
    application: Callable[[str], Application]
    scratch: Path
    sleep: Callable[[float], None]

    def made(self) -> bool:
        """Whether the job is ready for machines; where it cannot be made so, its courier is told.

        A job that waits for others, has ended, or is being made ready by somebody else is left.
        """
        try:
            return self._made()
        except (CryoemError, OSError) as error:
            _LOG.warning("job %d is left to its courier: %s", self.later.job, error)
            return False

    def _made(self) -> bool:
        if not insisting(self._may_go_on, self.sleep):
            return False
        log = self.records.preparations()
        turns = insisting(log.read, self.sleep)
        if standing(turns) is Standing.DONE:
            return True
        if turns and turns[-1].holder != self.machine:
            return False
        of: dict[str, int] = {"of": self.fleet_of}
        claim = insisting(lambda: log.claim(self.machine, detail=of), self.sleep)
        if claim is None:
            return False
        error = insisting(self._prepare, self.sleep)
        if error is None:
            return insisting(lambda: log.close(claim, Deed.DONE), self.sleep)
        said = {"reason": str(error)}
        insisting(lambda: log.close(claim, Deed.RELEASED, said), self.sleep)
        raise error

    def _may_go_on(self) -> bool:
        return self.records.end() is None and all(map(self._ended_well, self.later.sources))

    def _ended_well(self, number: int) -> bool:
        end = self._of(number).end()
        return end is not None and end.outcome is Outcome.SUCCESS

    def _of(self, number: int) -> JobRecords:
        return JobRecords(self.records.store, self.records.project, number)

    def _prepare(self) -> CryoemError | None:
        """Put the task and say that it is ready; why that is not possible."""
        try:
            self._make_ready()
        except (StoreUnreachableError, StoreDeniedError):
            raise
        except CryoemError as error:
            return error
        except OSError as error:
            return CryoemError(f"{error.filename}: {error.strerror}")
        return None

    def _make_ready(self) -> None:
        job = self.records.job()
        application = self.application(job.application)
        view = EntriesView(
            (*self._of_sources(), *self.later.offers, *self.later.entries),
            store=self.records.store,
            project=self.records.project,
            scratch=self.scratch,
        )
        inputs: dict[str, Entry] = {}
        for need in along_links(application.needs(job, view), view):
            if not (need.stub and need.path in inputs):
                inputs[need.path] = _input(need, view)
        inputs |= {entry.path: entry for entry in self.later.entries}
        task = Task(
            name=MAIN,
            script=self.later.script,
            inputs=tuple(inputs.values()),
            remark=on_one_machine(GOES_ON) if job.wish.several else "",
        )
        self.records.put_tasks((task,))
        self.records.set_ready(Ready(1, 1))

    def _of_sources(self) -> Iterator[Entry]:
        """What the earlier jobs of the chain read and made, later ones last."""
        for records in map(self._of, sorted(self.later.sources)):
            folders = records.job().outputs
            yield from (entry for task in records.all_tasks() for entry in task.inputs)
            made = results(records, records.turns(MAIN).read()[-1])
            yield from (e for e in made if any(is_below(e.path, folder) for folder in folders))


def _input(need: Need, view: EntriesView) -> Entry:
    """What a machine is given for a need.

    Raises:
        MissingInputError: None of the entries has it.
    """
    if need.target:
        return inner_link(need.path, need.target)
    kind, entry = view.kind(need.path), view.entry(need.path)
    if kind is Kind.FOLDER:
        return Entry(path=need.path, kind=Kind.FOLDER)
    if kind is None or not (need.stub or (entry and entry.content)):
        raise MissingInputError(
            f"{need.path} is none of the files that the machine knows; {need.asked_by} asks for it"
        )
    if need.stub or entry is None:
        return Entry(path=need.path, kind=Kind.STUB)
    return replace(entry, path=need.path)
