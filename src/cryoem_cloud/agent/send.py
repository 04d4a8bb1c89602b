"""Sends what a task makes while it makes it: log lines as they grow, other files when settled."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryoem_cloud.agent.engines import Engines
from cryoem_cloud.agent.flights import Flights, by_urgency
from cryoem_cloud.agent.outputs import SMALL_BYTES, Found, Outputs
from cryoem_cloud.agent.printing import Printing
from cryoem_cloud.agent.sealing import Sealing
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import CryoemError, SourceChangedError
from cryoem_cloud.model.file import Content, Entry, Kind, Stamp
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.keys import output_key, page_key
from cryoem_cloud.model.paths import HOME_ROOT
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.mover.source import Source
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Desk", "Sender"]

_LOG = logging.getLogger(__name__)

_PAGE_BYTES = 4 * 1024 * 1024
"""Of small files in one page."""
_PAGE_FILES = 1000


def _silently() -> None:
    """Of a sender whose progress nobody waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a sender works for: a turn, where its outputs and logs are, who it is."""

    records: JobRecords
    machine: str
    task: str
    turn: int
    root: Path
    logs: Mapping[str, Path]


@dataclass
class Sender:
    """Writes a turn's pages. One thread at a time may call `step` and `finish`.

    `next_page` is the number of the first page to write. `entries` holds what has been sent, by
    path, as the pages say it. What cannot be read is passed over; after `finish`, `unreadable` says
    why, by path. `carried` are outputs of earlier turns that the first page names. `sealing` says
    what goes when; `sealed` are the outputs that sealed others and were sent. `looked_s` is how
    long the last look at the outputs took, in seconds, `lasted_s` how long the script ran (0: it
    has not ended). `progressed` is called after each page with log lines or files. `engines` move
    the bytes of large files.
    """

    desk: Desk
    outputs: Outputs
    clock: Clock
    next_page: int = 1
    entries: dict[str, Entry] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    carried: tuple[Entry, ...] = ()
    sealing: Sealing = field(default_factory=Sealing)
    sealed: set[str] = field(default_factory=set)
    looked_s: float = 0.0
    lasted_s: float = 0.0
    progressed: Callable[[], None] = _silently
    engines: Engines = field(default_factory=lambda: Engines.storing(""))
    _stamps: dict[str, Stamp] = field(default_factory=dict)
    _queue: deque[Found] = field(default_factory=deque)
    _flights: Flights = field(init=False)
    _printing: Printing = field(init=False)
    _phase: str = ""
    _unsent: tuple[Page, dict[str, Stamp]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._flights = Flights(self.engines, self._large)
        self._printing = Printing(self.desk.logs)

    @property
    def sent_log(self) -> Mapping[str, int]:
        """How much of each log has been sent, in bytes."""
        return self._printing.told

    def say(self, phase: str) -> None:
        """Tell what the agent does now, with the next page."""
        self._phase = phase

    def step(self) -> None:
        """Send what is new and settled.

        Raises:
            StoreError: The page could not be written; the next call writes the very same page.
        """
        with self._lock:
            now_s = self.clock.monotonic()
            settled = list(self.outputs.settled(self._known, now_s))
            due = self.sealing.due(settled, self.outputs.all, self._is_done_with, now_s)
            self.looked_s = self.clock.monotonic() - now_s
            self._enqueue(due)
            self._send_page()

    def finish(self, *, seals: bool = True) -> tuple[Entry, ...]:
        """Send everything there is, and say what the turn made.

        Without `seals`, what would seal and is not sent yet stays away where it may not be whole.

        Raises:
            StoreError, NoSpaceError: Not all could be sent; the next call goes on.
        """
        with self._lock:
            self.unreadable = self.outputs.unreadable = {}  # all that is not sent is tried again
            there = list(self.outputs.all())
            doubtful = frozenset() if seals else self.sealing.doubtful(there)
            found = [f for f in there if self._is_sent(f) or f not in doubtful]
            self._enqueue(item for item in found if not self._is_sent(item))
            while self._send_page(wait=True) or self._queue or self._flights:
                pass
            return tuple(self.entries[item.path] for item in found if item.path in self.entries)

    def close(self) -> None:
        """Send nothing more."""
        self._flights.close()

    def _enqueue(self, due: Iterable[Found]) -> None:
        """Let these go, and nothing else; what is on its way is."""
        self._queue = deque(
            sorted((found for found in due if found.path not in self._flights), key=by_urgency)
        )

    def _known(self, path: str) -> Stamp | None:
        return self._stamps.get(path)

    def _is_sent(self, found: Found) -> bool:
        return self._stamps.get(found.path) == found.stamp

    def _is_done_with(self, found: Found) -> bool:
        """Whether nothing waits for it: what cannot be read is sent when it can be, if ever."""
        return self._is_sent(found) or found.path in self.unreadable

    def _send_page(self, *, wait: bool = False) -> bool:
        """Write one page if there is news; whether there was."""
        if self._unsent is None:
            self._unsent = self._compose(wait=wait)
        page, stamps = self._unsent
        if not page.is_news:
            self._unsent = None
            return False
        self.desk.records.put_page(page)
        self._unsent = None
        self.next_page += 1
        for chunk in page.lines:
            self._printing.tell(chunk)
        self._stamps.update(stamps)
        for entry in page.entries:
            self.entries[entry.path] = entry
        self.sealed |= {path for path in stamps if self.sealing.seals(path)}
        if page.lines or page.files or page.small:
            self.progressed()
        return True

    def _compose(self, *, wait: bool) -> tuple[Page, dict[str, Stamp]]:
        stamps: dict[str, Stamp] = {}
        small: list[tuple[Entry, bytes]] = []
        files, self.carried = list(self.carried), ()
        room, later = _PAGE_BYTES, deque[Found]()
        while self._queue and room > 0 and len(small) + len(files) < _PAGE_FILES:
            found = self._queue.popleft()
            with self._passing_over(found.path):
                if not found.is_file:
                    files.append(self._special(found))
                    stamps[found.path] = found.stamp
                elif found.stamp.size <= SMALL_BYTES:
                    entry, data = self._small(found)
                    small.append((entry, data))
                    stamps[found.path] = found.stamp
                    room -= len(data)
                elif not self._flights.begin(found):
                    later.append(found)
        self._queue = later + self._queue
        for stamp, entry in self._landed(wait=wait and not (small or files)):
            files.append(entry)
            stamps[entry.path] = stamp
        desk = self.desk
        phase, self._phase = self._phase, ""
        page = Page(
            machine=desk.machine,
            number=self.next_page,
            task=desk.task,
            turn=desk.turn,
            phase=phase,
            lines=tuple(self._printing.fresh()),
            files=tuple(files),
            small=tuple(small),
        )
        key = page_key(desk.records.project, desk.records.number, desk.machine, self.next_page)
        return page.placed(key.partition("/")[2]), stamps

    def _special(self, found: Found) -> Entry:
        if not found.is_link:
            return Entry(path=found.path, kind=Kind.FOLDER)
        target = os.readlink(self.desk.root / found.path)  # noqa: PTH115  (Path would tidy it)
        inside = f"{self.desk.root}/"
        if target.startswith(inside):
            target = HOME_ROOT + target.removeprefix(inside)
        return Entry(path=found.path, kind=Kind.LINK, target=target)

    def _small(self, found: Found) -> tuple[Entry, bytes]:
        with Source(self.desk.root / found.path) as source:
            if source.stamp != found.stamp:
                raise SourceChangedError(f"{source.path} changed before it was read")
            read = bytearray(found.stamp.size)
            source.read_into(0, memoryview(read))
            source.require_unchanged()
        data = bytes(read)
        content = Content(key="", start=0, stored=len(data), size=len(data), digest=digest_of(data))
        return _entry(found, content), data

    def _large(self, found: Found, engine: Engine) -> tuple[Stamp, Entry]:
        desk = self.desk
        stamp, content = keep_file(
            desk.records.store,
            desk.root / found.path,
            project=desk.records.project,
            key=output_key(desk.records.number, desk.task, desk.turn, found.path),
            engine=engine,
        )
        return stamp, _entry(found, content)

    def _landed(self, *, wait: bool) -> Iterator[tuple[Stamp, Entry]]:
        """Large files that have arrived; those that could not be sent are found again.

        With `wait` the first is waited for. It is told at once, and comes home while the rest is
        still being sent.
        """
        for path, flight in self._flights.landed(wait=wait):
            try:
                with self._passing_over(path):
                    yield flight.result()
            except CryoemError as error:
                _LOG.warning("%s waits: %s", path, error)
                self._again(path)
                if wait:
                    raise

    @contextmanager
    def _passing_over(self, path: str) -> Iterator[None]:
        """Within this, a file is not sent that went, changes, or cannot be read."""
        try:
            yield
        except (FileNotFoundError, SourceChangedError):
            return
        except OSError as error:
            self.unreadable[path] = str(error.strerror)

    def _again(self, path: str) -> None:
        self._queue.extend(found for found in self.outputs.all() if found.path == path)


def _entry(found: Found, content: Content) -> Entry:
    return Entry(
        path=found.path, mtime_ns=found.stamp.mtime_ns, mode=found.mode & 0o777, content=content
    )
