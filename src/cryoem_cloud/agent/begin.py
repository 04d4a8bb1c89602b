"""What a turn begins with: the task's inputs, and what was made of it before (decision 0010)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from cryoem_cloud.agent.take import Taken
from cryoem_cloud.agent.view import EntriesView
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.task import Task
from cryoem_cloud.model.turn import Turn
from cryoem_cloud.ports.application import Application, Resumed
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.made import by_path, told_before
from cryoem_cloud.stores.results import results

__all__ = ["Beginning", "Origins", "beginning", "made_before"]

_STREAMS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a turn runs and is given, and which outputs it has from the start.

    `stands` are outputs that earlier turns, pieces, or the job that this one resumes have made and
    that remain; `laid` are the paths of those that are among `inputs`, and must not be made again.
    """

    script: str
    inputs: tuple[Entry, ...]
    stands: tuple[Entry, ...] = ()
    laid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where a turn finds what was made before it.

    `earlier` gives what the job that this one resumes has made. `scratch` is for what is looked at.
    """

    records: JobRecords
    earlier: Callable[[], Mapping[str, Entry]]
    scratch: Path


def beginning(taken: Taken, job: Job, application: Application, origins: Origins) -> Beginning:
    """How the turn goes on from what was made of its task before; from nothing if that is nothing.

    Where nothing was, and the job resumes another one, it goes on from what that one has made.

    Raises:
        RefusedError: What the pieces have made cannot be joined.
        StoreError, FormatError, MissingInputError: What was made cannot be looked at.
    """
    task, records = taken.task, origins.records
    made: Mapping[str, Entry] = made_before(taken, records)
    if taken.given_up is not None:
        return Beginning(script="", inputs=(), stands=tuple(made.values()))
    if not made and not task.joins:
        made = origins.earlier()
    resumed = None
    if made or task.joins:
        view = EntriesView(
            (*task.inputs, *made.values()),
            store=records.store,
            project=records.project,
            scratch=origins.scratch,
        )
        resumed = application.resumed(job, task.script, view, made.keys())
    if resumed is not None:
        return _going_on(task, made, resumed)
    if task.joins:
        raise RefusedError(f"nobody knows how to join what the pieces of job {job.number} made")
    return Beginning(script=task.script, inputs=task.inputs)


def _going_on(task: Task, made: Mapping[str, Entry], resumed: Resumed) -> Beginning:
    laid = resumed.reads | resumed.tests
    void = made.keys() - resumed.stands  # RELION's Continue! is given what lies in its folder, too
    return Beginning(
        script=resumed.script,
        inputs=(
            *(
                _idle(entry) if entry.path in resumed.idle else entry
                for entry in task.inputs
                if entry.path not in laid and entry.path not in void
            ),
            *(made[path] for path in sorted(resumed.reads)),
            *(_stub(path) for path in sorted(resumed.tests - resumed.reads)),
        ),
        stands=tuple(made[path] for path in sorted(resumed.stands)),
        laid=laid & resumed.stands,
    )


def _idle(entry: Entry) -> Entry:
    return _stub(entry.path) if entry.kind is Kind.FILE else entry


def _stub(path: str) -> Entry:
    return Entry(path=path, kind=Kind.STUB)


def made_before(taken: Taken, records: JobRecords) -> dict[str, Entry]:
    """What earlier turns and, for a task that joins, the pieces have made, by path."""
    made = by_path(chain.from_iterable(_of_pieces(records, taken.pieces)), records)
    earlier = (turn for turn in taken.log.known if turn.number < taken.claim.number)
    return made | told_before(records, taken.task.name, earlier)


def _of_pieces(
    records: JobRecords, pieces: Sequence[tuple[Task, Turn]]
) -> Iterable[tuple[Entry, ...]]:
    with ThreadPoolExecutor(max_workers=_STREAMS) as pool:
        return list(pool.map(lambda piece: results(records, piece[1]), pieces))
