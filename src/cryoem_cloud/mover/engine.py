"""What files share that are moved at a time: threads, memory, and what was measured."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.mover.encoding import Kinds, Use, encoded_by
from cryoem_cloud.mover.gains import Gains
from cryoem_cloud.mover.pace import TELLING_BYTES, Limit, Link, Pace
from cryoem_cloud.mover.pool import Pool
from cryoem_cloud.mover.probe import probed
from cryoem_cloud.mover.source import Source
from cryoem_cloud.ports.repeats import hearing_of_repeats
from cryoem_cloud.ports.store import Store

__all__ = ["FETCH_BYTES", "SEND_BYTES", "Engine", "Line", "engine_or_new"]

_T = TypeVar("_T")

SEND_BYTES = 144 * 1024 * 1024
"""In memory at most while files are sent: of what is encoded, as what goes raw is held in none."""
FETCH_BYTES = 32 * 1024 * 1024
_FIRST_STREAMS, _MOST_STREAMS = 8, 16
_LIMITED = 0.8
"""A line that takes more than that of what it may take would take more."""
_SHARE_BEHIND = 4
"""Of its streams an engine has one in so many while others go first: a line is shared evenly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is known of the line, and agreed about it; in bytes per second, None: nothing.

    No more than `most_bytes_per_s` go over the wire. Others will fetch what is sent on a line that
    takes `beyond_bytes_per_s`. While one of the engines that this one is `behind` has something on
    its way, it has a quarter of its streams, so that most of a common line is left to that.
    """

    most_bytes_per_s: float | None = None
    beyond_bytes_per_s: float | None = None
    behind: tuple["Engine", ...] = ()


class Engine:
    """Moves the parts of many files at a time, in one direction. Safe for threads.

    `memory_bytes` bounds the buffers of all files. `encoding` is for files that are sent.
    `journals` is a folder for what makes it possible to go on after a break; beside it is `gains`,
    for gains that were learnt of movies; both can be thrown away. `cores` is how many may encode at
    a time; None: all that there are.
    """

    def __init__(
        self,
        *,
        memory_bytes: int,
        streams: int = _MOST_STREAMS,
        encoding: Encoding = Encoding.NONE,
        journals: Path | None = None,
        line: Line = Line(),
        cores: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.pool = Pool(memory_bytes)
        self.decoding = Pool(memory_bytes * 3 // 8)
        """For blocks that are being decoded, whose stored ones are held meanwhile."""
        cores = min(cores or _cores(), _cores())
        self.encodes = encoding is not Encoding.NONE
        self.gains = Gains(journals and journals.with_name("gains"))
        self.kinds = Kinds(encoding, cores, self.gains)
        self.journals = journals
        self._line = line
        self._limit = Limit(line.most_bytes_per_s) if line.most_bytes_per_s else None
        self._pace = Pace(streams=min(_FIRST_STREAMS, streams), most=streams)
        self._link = Link()
        self._probing = threading.Lock()
        self._has_probed = False
        self._guess: float | None = None
        self._active = 0
        self.wire_bytes = 0
        """Of all requests that succeeded."""
        self._measured_bytes = 0
        self._ended = threading.Event()
        self._monotonic, self._sleep = monotonic, sleep or self._ended.wait
        self._changed = threading.Condition()
        self._window = 2 * streams
        self._threads = ThreadPoolExecutor(max_workers=streams, thread_name_prefix="mover")
        self._cores = ThreadPoolExecutor(max_workers=cores, thread_name_prefix="mover-core")
        self._looking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mover-look")
        """Tries samples: no core's, as it may wait for a gain that waits for memory."""

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """As `close`."""
        self.close()

    def close(self) -> None:
        """End, and end its threads."""
        self.end()
        self._threads.shutdown()  # cancelling what waits there would leave `each` waiting for ever
        self._cores.shutdown()
        self._looking.shutdown()

    def end(self) -> None:
        """Begin nothing more; requests that are on their way arrive."""
        self._ended.set()
        with self._changed:
            self._changed.notify_all()

    @contextmanager
    def ending_with_the_program(self) -> Iterator[None]:
        """Within this, an interruption by the user ends the engine at once.

        To be entered last, after pools of threads that wait for what they have begun.
        """
        try:
            yield
        except Exception:
            raise
        except BaseException:
            self.end()
            raise

    @property
    def streams(self) -> int:
        """How many requests go at a time now, at most."""
        with self._changed:
            return self._allowed()

    @property
    def link_bytes_per_s(self) -> float | None:
        """What the slowest link takes on the way of what is sent, as far as it is known."""
        with self._changed:
            line = self._line
            known = (self._link.bytes_per_s, line.beyond_bytes_per_s, line.most_bytes_per_s)
            return min((each for each in known if each is not None), default=None)

    def link_to(self, store: Store, project: str) -> float | None:
        """The same; where nothing has gone over the line, a little is sent to see, once."""
        with self._probing:
            if self.link_bytes_per_s is None and not self._has_probed:
                self._has_probed = True
                self._guess = probed(store, project, monotonic=self._monotonic)
        return self.link_bytes_per_s or self._guess

    def newly_measured(self) -> float | None:
        """What the line takes, bytes a second, if much has gone since this was last asked.

        None too where a limit held it back.
        """
        with self._changed:
            found, most = self._link.bytes_per_s, self._line.most_bytes_per_s
            if self.wire_bytes - self._measured_bytes < TELLING_BYTES:
                return None
            self._measured_bytes = self.wire_bytes
            held_back = most is not None and found is not None and found > _LIMITED * most
            return None if held_back else found

    @property
    def is_active(self) -> bool:
        """Whether something is on its way."""
        return self._active > 0

    def busy(self) -> None:
        """Halve the streams: the store was busy, or did not answer in time."""
        with self._changed:
            self._pace.busy(self._monotonic())

    def each(self, work: Callable[[int], _T], numbers: Iterable[int]) -> list[_T]:
        """What `work` gives for each number, in the order in which it came; on all threads.

        With the first error, what has not begun is not done, and what has begun is waited for.

        Raises:
            CancelledError: The engine has ended.
            What `work` raises.
        """
        flying: set[Future[_T]] = set()
        given: list[_T] = []
        try:
            for number in numbers:
                flying.add(self._threads.submit(self._worked, work, number))
                if len(flying) >= self._window:
                    flying = _landed(flying, given)
            while flying:
                flying = _landed(flying, given)
        finally:
            for future in flying:
                future.cancel()
            wait(flying)
        return given

    def _worked(self, work: Callable[[int], _T], number: int) -> _T:
        self._require_going()
        return work(number)

    def _require_going(self) -> None:
        if self._ended.is_set():
            raise CancelledError("the engine has ended")

    def coded(self, work: Callable[[], _T]) -> _T:
        """What `work` gives, which encodes or decodes; as many at a time as there are cores.

        They have threads of their own, for each thread that has done such work keeps memory.
        """
        return self._cores.submit(work).result()

    def use(self, source: Source, *, link: float | None) -> Use | None:
        """How to encode that file, on a link of so many bytes a second; None: not at all."""
        if not self.encodes:
            return None
        return self._looking.submit(self.kinds.use, source, link=link).result()

    def is_hopeful(self, source: Source) -> bool:
        """Whether something can be gained by encoding that file, as far as a short look tells."""
        return self.encodes and self._looking.submit(self.kinds.is_hopeful, source).result()

    def encoded(self, view: memoryview, use: Use, *, start: int = 0) -> list[bytes]:
        """A block, which begins at `start`, as it is stored; what that took is measured."""
        made, took_s = self.coded(partial(encoded_by, use, view, start))
        self.kinds.measured(use, raw=len(view), stored=sum(map(len, made)), seconds=took_s)
        return made

    @contextmanager
    def stream(self, size: int) -> Iterator[None]:
        """Within this, a request of so many bytes may go; repetitions halve the streams.

        Raises:
            CancelledError: The engine has ended.
        """
        if self._limit is not None:
            with self._changed:
                pause_s = self._limit.wait_s(size, self._monotonic())
            self._sleep(pause_s)
        with self._changed:
            self._changed.wait_for(lambda: self._ended.is_set() or self._active < self._allowed())
            self._require_going()
            self._active += 1
            self._link.begin(self._monotonic())
        moved = 0
        try:
            with hearing_of_repeats(self.busy):
                yield
            moved = size
        except StoreUnreachableError:
            self.busy()
            raise
        finally:
            with self._changed:
                now_s = self._monotonic()
                self._active -= 1
                self.wire_bytes += moved
                self._link.end(moved, now_s)
                if moved:
                    self._pace.moved(moved, now_s)
                self._changed.notify(max(1, self._pace.streams - self._active))

    def _allowed(self) -> int:
        """How many requests may go at a time; one of them wakes who waits for it to end."""
        if any(other.is_active for other in self._line.behind):
            return max(1, self._pace.streams // _SHARE_BEHIND)
        return self._pace.streams


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _landed(flying: set[Future[_T]], given: list[_T]) -> set[Future[_T]]:
    """Wait for one or more, keep what they give, and tell which are still flying."""
    done, still = wait(flying, return_when=FIRST_COMPLETED)
    failed = next((future for future in done if future.exception()), None)
    if failed is not None:
        failed.result()
    given.extend(future.result() for future in done)
    return still


@contextmanager
def engine_or_new(engine: Engine | None, memory_bytes: int) -> Iterator[Engine]:
    """That engine, or one for this alone."""
    with nullcontext(engine) if engine else Engine(memory_bytes=memory_bytes) as used:
        yield used
