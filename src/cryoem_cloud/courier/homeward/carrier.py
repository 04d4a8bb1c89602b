"""Brings a job's files home in the background: log lines and small files do not wait for them."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from cryoem_cloud.courier.halting import HaltedError
from cryoem_cloud.courier.homeward.home import Home
from cryoem_cloud.courier.homeward.ways import leading
from cryoem_cloud.model.file import BLOCK_BYTES, Entry, Kind
from cryoem_cloud.model.journal import Page

__all__ = ["Carrier"]

_AT_ONCE = 16
"""Files on their way; which of the others go first is not settled yet."""


@dataclass(frozen=True, slots=True)
class _Load:
    """A file that is to come home, for which there is room."""

    home: Home
    entry: Entry

    @property
    def urgency(self) -> tuple[bool, int]:
        """Light ones first; of these what is new."""
        return self.entry.size > BLOCK_BYTES, -self.entry.mtime_ns


class Carrier:
    """Of one job. It works while it is entered; what it has not brought then waits.

    A courier that ends before that brings such files with the job's last ones.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, _Load] = {}
        self._flying: dict[str, _Load] = {}
        self._error: Exception | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Go on with what waits."""
        self._stopped, self._error = False, None
        self._thread = threading.Thread(target=self._run, name="bringing home", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Bring nothing more; returns when nothing is on its way."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def place(self, home: Home, page: Page) -> None:
        """Place what a page brings, and have its large files brought.

        Raises:
            What Home.place raises, and what has kept earlier files from coming.
        """
        self.look()
        others = [entry for entry in page.files if entry.kind is not Kind.FILE]
        others += [entry for entry, _ in page.small]
        self._make_way([entry.path for entry in others])
        home.place(page.files, page.small, later=partial(self._carry, home))

    def look(self) -> None:
        """Raise what has kept files from coming, if something has."""
        with self._changed:
            if self._error is not None:
                raise self._error

    def finish(self) -> None:
        """Wait until all is home.

        Raises:
            What keeps it from coming.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error or not (self._waiting or self._flying))
        self.look()

    def _carry(self, home: Home, entries: Iterable[Entry]) -> None:
        with self._changed:
            for entry in entries:
                flying = self._flying.get(entry.path)
                if flying is None or flying.entry != entry:
                    self._waiting[entry.path] = _Load(home, entry)
            self._changed.notify_all()

    def _make_way(self, paths: list[str]) -> None:
        """Let nothing come any more in the place of these, at it, above or below."""
        with self._changed:
            for path in list(_clashing(self._waiting, paths)):
                del self._waiting[path]
            self._changed.wait_for(
                lambda: self._error or next(_clashing(self._flying, paths), None) is None
            )

    def _run(self) -> None:
        try:
            while self._begun():
                loads = tuple(self._flying.values())
                for home in {id(load.home): load.home for load in loads}.values():
                    mine = [load.entry for load in loads if load.home is home]
                    replace(home, moved=partial(self._moved, home)).bring(mine)
                self._landed()
        except HaltedError:
            self._landed(again=True)
        except Exception as error:  # noqa: BLE001  (raised again where the errand looks)
            self._landed(again=True, error=error)

    def _begun(self) -> bool:
        """Choose what comes next, once there is something; False: nothing any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._waiting)
            if self._stopped:
                return False
            first = sorted(self._waiting, key=lambda path: self._waiting[path].urgency)
            self._flying = {path: self._waiting.pop(path) for path in first[:_AT_ONCE]}
            return True

    def _landed(self, *, again: bool = False, error: Exception | None = None) -> None:
        with self._changed:
            if again:
                self._waiting = {**self._flying, **self._waiting}
            self._flying, self._error = {}, error
            self._changed.notify_all()

    def _moved(self, home: Home, size: int) -> None:
        if self._stopped:
            raise HaltedError
        home.moved(size)


def _clashing(loads: Iterable[str], paths: list[str]) -> Iterator[str]:
    """Those of the loads that lie at, above or below one of the paths."""
    wanted = {path.rstrip("/") for path in paths}
    above = {folder for path in wanted for folder in leading(path)}
    return (
        load
        for load in loads
        if load in wanted or load in above or not wanted.isdisjoint(leading(load))
    )
