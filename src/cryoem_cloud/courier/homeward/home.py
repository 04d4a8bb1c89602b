"""Brings a job's results into the project's folder, as if it had run there."""

import posixpath
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryoem_cloud.courier.homeward.admit import admitted, admitted_lines, is_own, timely
from cryoem_cloud.courier.homeward.joblogs import JobLogs
from cryoem_cloud.courier.homeward.policy import Bundled, HomePolicy
from cryoem_cloud.courier.homeward.rights import Rights
from cryoem_cloud.courier.homeward.room import Room, mark_of, possible
from cryoem_cloud.courier.homeward.ways import require_there, require_way
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.spool import Again
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.journal import LogLines
from cryoem_cloud.model.paths import HOME_ROOT, is_below
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.beside import part_of, remove_parts
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.pull import fetch_files, place_bytes
from cryoem_cloud.mover.space import require_space
from cryoem_cloud.ports.application import Application
from cryoem_cloud.ports.frontend import Frontend
from cryoem_cloud.ports.store import Store

__all__ = ["DroppedError", "Home"]


class DroppedError(Exception):
    """The user does not want the job any more; the message says how we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The job's place on this computer. Every call first looks whether it is still there.

    Calls raise ProjectGoneError where the project's folder is not there (it may come back),
    DroppedError where the job's own folder is not, NoSpaceError where the disk is full;
    RefusedError for what a machine must not send; and OSError where the folder cannot be written.
    """

    store: Store
    project: Project
    job: Job
    application: Application
    frontend: Frontend
    cache: Cache
    inputs: Container[str]
    umask: int | None
    """The submitter's; None where it is not known."""
    moved: Callable[[int], None]
    refused: Callable[[str], None]
    """Hears of each thing that a machine sent and must not; everything else is placed."""
    again: Callable[[], Again | None]
    """What was submitted into the folder after this job, if anything was."""
    engine: Engine | None = None
    """What moves the bytes of files."""

    @property
    def rights(self) -> Rights:
        """Those of what is made here."""
        return Rights(self.umask)

    @property
    def _logs(self) -> JobLogs:
        return JobLogs(self.project.folder, self.job, self.rights)

    def look(self) -> None:
        """See to it that project and job are still where they were."""
        folder = self.project.folder
        try:
            found = (folder / self.job.outputs[0]).stat()
        except (FileNotFoundError, NotADirectoryError):
            require_there(folder, self.job.outputs[0])  # asked last: it may have moved just now
            raise DroppedError(f"{self.job.outputs[0]} was deleted or moved away") from None
        if self.job.folder_inode and found.st_ino != self.job.folder_inode:
            raise DroppedError(f"{self.job.outputs[0]} was deleted and made again")

    def abort_requested(self) -> bool:
        """Whether the front end wants the programs to end."""
        folder = self.project.folder / self.job.outputs[0]
        return any((folder / name).exists() for name in self.frontend.abort_requests())

    def runs(self) -> bool:
        """Whether the front end says that the job runs."""
        return self.frontend.runs(self.job, self.project.folder)

    def unwanted(self, *, begun: bool) -> str:
        """Why the front end has given the job up ("" if it has not).

        `begun` says that it has been seen to say that the job runs; before, it may tell of an
        earlier job in the folder.
        """
        folder = self.project.folder / self.job.outputs[0]
        if (again := self._submitted_again()) and again.instead:
            return f"{self.job.outputs[0]} was submitted again as job {again.number}"
        foreign = [name for name in self.frontend.all_markers() if (folder / name).exists()]
        if foreign:
            return f"somebody else made {foreign[0]}"
        return self.frontend.given_up(self.job, self.project.folder) if begun else ""

    def remove_parts(self) -> None:
        """Remove what a courier that was killed left half-written."""
        self.look()
        for folder in self.job.outputs:
            remove_parts(self.project.folder / folder)

    def start_logs(self) -> None:
        """Cut the logs to what they held at submission: a new turn writes them anew."""
        self.look()
        for name in self.job.logs:
            self._logs.cut(name, 0)

    def ask(self, question: str) -> None:
        """Show a question in the job's log, until a machine's first line takes its place."""
        self.look()
        self._logs.add(LogLines(log="out", start=0, data=question.encode()))

    def tell_cost(self, line: str) -> None:
        """End the log with what the job has cost; again is the same."""
        self.look()
        self._logs.end_with(line.encode(), log="out")

    def add_lines(self, chunk: LogLines) -> None:
        """Put log lines in their place; again is the same."""
        self.look()
        admitted_lines(chunk, self.job)
        self._logs.add(chunk)
        self.moved(len(chunk.data))

    def place(
        self,
        entries: Iterable[Entry],
        small: Iterable[Bundled] = (),
        *,
        ended: bool = False,
        later: Callable[[list[Entry]], None] | None = None,
    ) -> None:
        """Place what is not there already as it should be; what is refused stops nothing else.

        What stays in the store by the job's home policy is not placed; with `ended`, the entries
        are all outputs of the job.
        """
        self.look()
        known = self.cache.delivered(self.project.name, self.job.number)
        room = Room(self.project.folder, self.job.outputs, known, self.rights)
        entries = tuple(map(timely, entries))
        small = tuple((timely(entry), data) for entry, data in small)
        policy = HomePolicy(self.job, self.application)
        entries, small = policy.coming(entries, small, room, ended=ended)
        linked = {entry.path for entry in entries if entry.kind is Kind.LINK}

        def wanted(entry: Entry) -> bool:
            check = partial(self._check, entry, linked, known)
            return self._done(entry, check) and self._needed(entry, room)

        def has_room(entry: Entry) -> bool:
            output = next(folder for folder in self.job.outputs if is_below(entry.path, folder))
            return self._done(entry, partial(room.make, entry, output))

        fresh = [entry for entry in entries if wanted(entry)]
        here = [(entry, data) for entry, data in small if wanted(entry)]
        for output in self.job.outputs:  # each may lie on a disk of its own
            size = sum(entry.size for entry in fresh)
            require_space(self.project.folder / output, size, purpose="coming home")
        self._put(
            [entry for entry in fresh if has_room(entry)],
            [(entry, data) for entry, data in here if has_room(entry)],
            later or self.bring,
        )

    def bring(self, files: list[Entry]) -> None:
        """Bring files that there is room for, and mark them as delivered."""
        self._deliver(self._fetch(files))

    def remove_others(self, entries: Iterable[Entry]) -> None:
        """Remove what earlier turns delivered and the winner does not have."""
        self.look()
        kept = {path for entry in entries for path in (entry.path, posixpath.dirname(entry.path))}
        known = self.cache.delivered(self.project.name, self.job.number)
        room = Room(self.project.folder, self.job.outputs, known, self.rights)
        for path in known:
            if path not in kept and not is_own(path, self.job, self._own()):
                room.remove(path)

    def cut_logs(self, sizes: Mapping[str, int]) -> None:
        """Cut the logs to what the machine that ended the job has said."""
        self.look()
        for name, size in sizes.items():
            self._logs.cut(name, size)

    def end(self, exit_: Exit) -> None:
        """Write the reason of a failure, then the markers, then make the front end look.

        Nothing, where the folder is another job's by now: its markers would tell of that one.
        """
        self.look()
        if self._submitted_again():
            return
        if exit_.outcome is not Outcome.SUCCESS and exit_.reason:
            text = f"cryoem: job {self.job.number}: {exit_.reason}\n"
            self._logs.end_with(text.encode("utf-8", "surrogateescape"))
        folder = self.project.folder / self.job.outputs[0]
        wanted = self.frontend.markers(exit_)
        for name in self.frontend.all_markers():
            if name not in wanted:
                (folder / name).unlink(missing_ok=True)
        for name in wanted:
            self.rights.touch(folder / name)
        for name in self.frontend.abort_requests():
            (folder / name).unlink(missing_ok=True)
        self.frontend.nudge(self.project.folder)

    def _submitted_again(self) -> Again | None:
        """The job that the front end's markers are to tell of, rather than of this one."""
        return self.again() if self.frontend.all_markers() else None

    def _own(self) -> tuple[str, ...]:
        logs = tuple(Path(path).name for path in self.job.logs.values())
        return (*self.frontend.own_files(self.job), *self.frontend.all_markers(), *logs)

    def _done(self, entry: Entry, act: Callable[[], object]) -> bool:
        """Do what an entry needs; False, and it is told, where that is refused or impossible."""
        try:
            with possible(entry.path):
                act()
        except RefusedError as error:
            self.refused(error.message)
            return False
        return True

    def _check(self, entry: Entry, links: set[str], known: Mapping[str, str]) -> None:
        """See to it that an entry may be placed where it wants to, beside `links` that come too.

        A link of the job's own, which `known` names, gives way to a folder.
        """
        admitted(entry, self.job, inputs=self.inputs)
        top, outputs = self.project.folder, self.job.outputs
        require_way(top, entry.path, outputs, coming=links, known=known)

    def _needed(self, entry: Entry, room: Room) -> bool:
        """Whether an entry is to be placed: it is not the front end's own, and not there yet.

        What is there gets its time: another turn has made the same, and the index says when.
        What the job that this one resumes has brought home is there as long as nobody changed it.
        """
        if is_own(entry.path, self.job, self._own()):
            return False
        if self.job.resumes and room.holds_same(entry):
            return False
        if room.known.get(entry.path) != mark_of(entry) or not room.holds(entry):
            return True
        room.date(entry)
        return False

    def _put(
        self, fresh: list[Entry], here: list[Bundled], bring: Callable[[list[Entry]], None]
    ) -> None:
        """Place what there is room for, and mark it as delivered."""
        placed = [entry for entry, data in here if self._place_bytes(entry, data)]
        placed += [entry for entry in fresh if entry.kind is Kind.FOLDER]
        new_links = [entry for entry in fresh if entry.kind is Kind.LINK]
        placed += [entry for entry in new_links if self._done(entry, partial(self._link, entry))]
        self._deliver(placed)
        if files := [entry for entry in fresh if entry.kind is Kind.FILE]:
            bring(files)

    def _deliver(self, placed: Iterable[Entry]) -> None:
        marks = [(entry.path, mark_of(entry)) for entry in placed]
        self.cache.deliver(self.project.name, self.job.number, marks)

    def _place_bytes(self, entry: Entry, data: bytes) -> bool:
        path = self.project.folder / entry.path
        return self._done(entry, partial(place_bytes, data, entry, path, moved=self._arriving))

    def _arriving(self, size: int) -> None:
        """Bytes lie beside their place, in a folder that may be another's now.

        One that is moved away after this look takes them along.
        """
        self.look()
        self.moved(size)

    def _fetch(self, entries: list[Entry]) -> list[Entry]:
        """Fetch files; those that could be placed."""
        try:
            self._fetch_all(entries)
        except OSError:  # one may be impossible, and has stopped others
            return [e for e in entries if self._done(e, partial(self._fetch_all, [e]))]
        return entries

    def _fetch_all(self, entries: list[Entry]) -> None:
        files = [(entry, self.project.folder / entry.path) for entry in entries]
        fetch_files(
            self.store,
            self.project.name,
            files,
            moved=self._arriving,
            make_folders=False,
            engine=self.engine,
        )

    def _link(self, entry: Entry) -> None:
        path = self.project.folder / entry.path
        target = entry.target
        if target.startswith(HOME_ROOT):
            target = str(self.project.folder / target.removeprefix(HOME_ROOT))
        beside = part_of(path)
        try:
            beside.symlink_to(target)
            self._arriving(0)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
