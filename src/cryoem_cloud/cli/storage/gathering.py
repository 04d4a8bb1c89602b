"""What is known of a project's objects and jobs, where the store is to be cleaned."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.cli.files.indexed import entries
from cryoem_cloud.cli.jobs.afar import cards_from_store
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.storage.cleaning import Made, What
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.frontends.pipeline import readers
from cryoem_cloud.frontends.registry import frontend_named
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Kept
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["Gathered", "all_cards", "files_of"]

_AT_ONCE = 16


def files_of(project: Project) -> dict[str, Entry]:
    """The index's last words on files; reads all of it."""
    found = entries(project)
    return {path: entry for path, entry in found.items() if entry.kind is Kind.FILE}


def all_cards(project: Project) -> list[Card]:
    """The project's jobs, whoever submitted them; some requests for each that is another's."""
    known = [card for card in cards().all() if card.project == project.name]
    numbers = frozenset(card.number for card in known)
    return [*known, *cards_from_store(project, known=numbers)]


@dataclass
class Gathered:
    """A project's objects by key relative to it, its files, and its jobs that have ended well."""

    project: Project
    store: Store
    cards: list[Card]

    @cached_property
    def objects(self) -> dict[str, Kept]:
        """A listing."""
        prefix, word = f"{self.project.name}/", StorageClass.STANDARD.value
        if self.store.classes is not None:
            found = self.store.classes.list(prefix)
            return {kept.key.removeprefix(prefix): kept for kept in found}
        return {
            one.key.removeprefix(prefix): Kept(key=one.key, size=one.size, word=word)
            for one in self.store.list(prefix)
        }

    @cached_property
    def files(self) -> dict[str, Entry]:
        """Read once."""
        return files_of(self.project)

    def made(self) -> Iterator[Made]:
        """The jobs; of one that cannot be looked into nothing is known."""
        ended = [card for card in self.cards if not card.open and card.outcome is Outcome.SUCCESS]
        reading, newest = readers(self.project.folder), _newest(self.files)

        def one(card: Card) -> Made | None:
            try:
                return self._one(card, reading, newest)
            except CryoemError:
                return None

        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            yield from (made for made in pool.map(one, ended) if made is not None)

    def _one(
        self, card: Card, reading: Mapping[str, frozenset[str]], newest: Mapping[int, int]
    ) -> Made:
        records = JobRecords(self.store, self.project.name, card.number)
        job = records.job()
        paths = [path for path, entry in self.files.items() if _number(entry) == card.number]
        bulk = application_named(job.application).bulk(job, paths, ended=True)
        last = newest.get(card.number)
        return Made(
            number=card.number,
            folder=job.outputs[0],
            outputs=job.outputs,
            bulk=bulk,
            again=bool(bulk) and self._has_inputs(records),
            newest=_instant(last) if last else _submitted(job),
            place=self._place(card, job),
            readers=tuple(sorted(reading.get(job.outputs[0], ()))),
        )

    def _place(self, card: Card, job: Job) -> What | None:
        """Where the job's folder is, if not in its place; of one that never came here, nowhere."""
        top = self.project.folder
        if not card.ended_at or (top / job.outputs[0]).exists():
            return None
        trash = frontend_named(job.frontend).trash
        in_trash = bool(trash) and (top / trash / job.outputs[0]).exists()
        return What.TRASHED if in_trash else What.DELETED

    def _has_inputs(self, records: JobRecords) -> bool:
        """Whether the store has all that the job's tasks read, or newer files of these names."""
        inputs = (entry for task in records.all_tasks() for entry in task.inputs)
        return all(
            entry.content is None or entry.content.key in self.objects or entry.path in self.files
            for entry in inputs
        )


def _number(entry: Entry) -> int:
    """The job whose machines made a file; 0 for none."""
    key = entry.content.key if entry.content else ""
    word = key.removeprefix("jobs/").partition("/")[0]
    return int(word) if key.startswith("jobs/") and word.isdecimal() else 0


def _newest(files: Mapping[str, Entry]) -> dict[int, int]:
    found: dict[int, int] = {}
    for entry in files.values():
        if number := _number(entry):
            found[number] = max(entry.mtime_ns, found.get(number, 0))
    return found


def _instant(ns: int) -> datetime:
    """A file's time; one of no calendar, as its machine may say, is now: it is not old."""
    try:
        return datetime.fromtimestamp(ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return SystemClock().now()


def _submitted(job: Job) -> datetime:
    """When, in UTC; a job that does not say it was submitted now."""
    try:
        found = datetime.fromisoformat(job.submitted_at)
    except ValueError:
        return SystemClock().now()
    return found if found.tzinfo else found.replace(tzinfo=UTC)
