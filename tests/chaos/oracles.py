"""What must be true once a job is home, whatever happened on the way."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.keys import deliver_prefix, turns_prefix
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.turn import Deed, Turn, may_follow
from cryoem_cloud.mover.pull import fetch_bytes
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.jobs import JobRecords
from tests.acceptance.conftest import SUCCESS, World
from tests.chaos.work import Work

__all__ = ["wrong"]

_BY_COURIER = frozenset({"run.out", "run.err", "run_submit.script", SUCCESS})
_MARKERS = ("RELION_JOB_", "PIPELINER_JOB_", "SUCCESS", "FAILURE")


def wrong(world: World, number: int, store: Store, work: Work) -> list[str]:
    """What is not as it must be; empty: all is well. `store` is the world's, undisturbed."""
    card = world.card(number)
    if card.outcome is not Outcome.SUCCESS or card.phase is not Phase.ENDED:
        return [f"the card says {card.outcome}, {card.phase}: {card.reason} {card.note}"]
    records = JobRecords(store, card.project, number)
    return [
        *_of_card(world, number),
        *_markers(world.project / work.out),
        *work.wrong(world.project),
        *_turns(records),
        *_index(records, world.project, work.out),
    ]


def _of_card(world: World, number: int) -> Iterator[str]:
    card = world.card(number)
    if card.code or card.reason or card.note:
        yield f"the card says: {card.code} {card.reason} {card.note}"
    if spool_of(world.places).holds(card.slip_name):
        yield "the slip is still there"


def _markers(folder: Path) -> Iterator[str]:
    found = sorted(
        path.name for path in folder.iterdir() if any(word in path.name for word in _MARKERS)
    )
    if found != [SUCCESS]:
        yield f"markers are {found}"


def _turns(records: JobRecords) -> Iterator[str]:
    """Every log is lawful, every task was completed once, and the job's end is there."""
    end = records.end()
    if end is None or end.outcome is not Outcome.SUCCESS:
        yield f"the job's end in the store is {end}"
    project, job, store = records.project, records.number, records.store
    for task in records.all_tasks():
        yield from _log(store, turns_prefix(project, job, task.name))
    yield from _log(store, deliver_prefix(project, job))


def _log(store: Store, prefix: str) -> Iterator[str]:
    turns = [Turn.from_bytes(store.get(item.key)) for item in store.list(prefix)]
    for at, turn in enumerate(turns):
        if not may_follow(turns[:at], turn):
            yield f"{prefix}: {turn} may not follow {turns[:at]}"
    deeds = Counter(turn.deed for turn in turns)
    if deeds[Deed.DONE] != 1 or deeds[Deed.FAILED]:
        yield f"{prefix}: {deeds}"


def _index(records: JobRecords, project: Path, out: str) -> Iterator[str]:
    """Of each output there is one word, and what it names is at home; a record counts once."""
    said: dict[str, Entry] = {}
    times: Counter[str] = Counter()
    origins: set[str] = set()
    for recorded in IndexLog(records.store, records.project).read():
        if recorded.origin not in origins:
            origins.add(recorded.origin)
            ours = [entry for entry in recorded.entries if _is_output(entry.path, out)]
            times.update(entry.path for entry in ours)
            said |= {entry.path: entry for entry in ours}
    names = (str(path.relative_to(project)) for path in _files(project / out))
    home = {name for name in names if _is_output(name, out)}
    often = sorted(path for path, count in times.items() if count > 1)
    if home != said.keys() or often:
        yield f"the index names {sorted(said)}, twice {often}; at home are {sorted(home)}"
    for path, entry in said.items():
        yield from _entry(records, entry, project / path)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _is_output(path: str, out: str) -> bool:
    return is_below(path, out) and Path(path).name not in _BY_COURIER


def _entry(records: JobRecords, entry: Entry, at_home: Path) -> Iterator[str]:
    if entry.kind is not Kind.FILE or entry.content is None:
        return
    if not entry.content.key.startswith(f"jobs/{records.number:08d}/"):
        yield f"{entry.path} lies at {entry.content.key}"
    data = fetch_bytes(records.store, records.project, entry.content)
    if not at_home.is_file() or digest_of(data) != digest_of(at_home.read_bytes()):
        yield f"{entry.path} at home is not what the index names"
