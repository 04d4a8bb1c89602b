"""Fetches what a machine will probably need next while a script runs."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.ports.store import Store
from cryoem_cloud.providers.scratch import remove_tree

__all__ = ["Ahead"]

_LOG = logging.getLogger(__name__)

_BATCH = 16
"""Files fetched at a time: as many are on their way when a turn must not wait any longer."""
_STREAMS = 4
_PART_OF_DISK = 4
"""What is fetched ahead fills at most one part in so many of the room that is left."""


class Ahead:
    """Files in a folder of their own, by their digests, for one turn that may come or not.

    `likely` says what that turn would be given, `engine` moves it.
    """

    def __init__(
        self,
        store: Store,
        project: str,
        folder: Path,
        *,
        likely: Callable[[], Iterable[Entry]],
        engine: Engine | None = None,
    ) -> None:
        self._likely = likely
        self._engine = engine
        self._store = store
        self._project = project
        self._folder = folder
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def begin(self) -> None:
        """Fetch in the background, as far as there is room; what was here before goes."""
        self.end()
        remove_tree(self._folder)
        self._folder.mkdir(parents=True)
        self._stopped.clear()
        wanted = list(self._fitting(self._likely()))
        self._thread = threading.Thread(target=self._fetch, args=(wanted,), name="fetching ahead")
        self._thread.start()

    def end(self) -> None:
        """Fetch no more; returns when nothing is on its way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def take(self, entry: Entry, path: Path) -> bool:
        """Make `path` the entry's file if it is here; its folder must be there."""
        kept = self._place(entry)
        if kept is None or not kept.exists():
            return False
        kept.chmod(entry.mode)
        os.utime(kept, ns=(entry.mtime_ns, entry.mtime_ns))
        kept.replace(path)
        return True

    def _fitting(self, inputs: Iterable[Entry]) -> Iterator[Entry]:
        """Those of the files that there is room for, the first ones first, each once."""
        room = shutil.disk_usage(self._folder).free // _PART_OF_DISK
        met: set[str] = set()
        for entry in inputs:
            if entry.content is None or entry.content.reference or entry.content.digest in met:
                continue
            met.add(entry.content.digest)
            room -= entry.size
            if room < 0:
                return
            yield entry

    def _fetch(self, wanted: list[Entry]) -> None:
        try:
            for start in range(0, len(wanted), _BATCH):
                if self._stopped.is_set():
                    return
                batch = [(entry, self._place(entry)) for entry in wanted[start : start + _BATCH]]
                files = [(entry, path) for entry, path in batch if path is not None]
                fetch_files(
                    self._store, self._project, files, streams=_STREAMS, engine=self._engine
                )
        except (CryoemError, OSError) as error:
            _LOG.warning("not fetched ahead: %s", error)

    def _place(self, entry: Entry) -> Path | None:
        if entry.content is None:
            return None
        return self._folder / entry.content.digest.partition(":")[2]
