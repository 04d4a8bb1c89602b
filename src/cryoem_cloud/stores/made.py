"""What a job has made by now, from its records alone, however it stands (decision 0010)."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.keys import job_prefix
from cryoem_cloud.model.task import Task
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.results import results

__all__ = ["by_path", "made_by", "told_before"]

_STREAMS = 16


def made_by(records: JobRecords) -> dict[str, Entry]:
    """What a job has made, by path; where it went on from another one, also what that had made.

    Of each task that is what the turn that ended it promised or, where that is nothing, what the
    journals of its turns tell. Takes some requests for each task.

    Raises:
        StoreError, FormatError, CorruptObjectError: The records cannot be read.
    """
    made: dict[str, Entry] = {}
    seen: set[int] = set()
    number = records.number
    while number and number not in seen:
        seen.add(number)
        of = JobRecords(records.store, records.project, number)
        tasks = tuple(of.all_tasks())
        own = _of_tasks(of, tasks)
        made = own | made
        if own and not any(task.is_piece for task in tasks):
            break  # it names what it went on from; what it does not name is void
        number = of.job().resumes
    return made


def told_before(records: JobRecords, task: str, turns: Iterable[Turn]) -> dict[str, Entry]:
    """What the journal of a task's turn names, by path: the last turn whose names anything."""
    claims = [turn for turn in turns if turn.deed is Deed.CLAIM]
    told = (_told(records, task, claim) for claim in reversed(claims))
    return next(filter(None, told), {})


def by_path(entries: Iterable[Entry], records: JobRecords) -> dict[str, Entry]:
    """What several tasks of a job have made: the last word counts, but of what an earlier job made.

    That a file of an earlier one stands may be said by a piece which it is not for.
    """
    _, _, ours = job_prefix(records.project, records.number).partition("/")
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.content is None or entry.content.key.startswith(ours):
            found[entry.path] = entry
        else:
            found.setdefault(entry.path, entry)
    return found


def _of_tasks(records: JobRecords, tasks: Iterable[Task]) -> dict[str, Entry]:
    begun = records.begun()
    names = [task.name for task in tasks if task.name in begun]
    with ThreadPoolExecutor(max_workers=_STREAMS) as pool:
        found = pool.map(lambda name: _of_task(records, name), names)
        return by_path(chain.from_iterable(found), records)


def _of_task(records: JobRecords, task: str) -> Iterable[Entry]:
    turns = records.turns(task).read()
    ended = turns[-1].deed in {Deed.DONE, Deed.FAILED}
    return (results(records, turns[-1]) if ended else ()) or told_before(
        records, task, turns
    ).values()


def _told(records: JobRecords, task: str, claim: Turn) -> dict[str, Entry]:
    ours = (task, claim.number)
    pages = (p for p in records.journal(claim.holder) if (p.task, p.turn) == ours)
    return {entry.path: entry for page in pages for entry in page.entries}
