"""Keeps what an upload has brought into the store: in the index, and on this computer."""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.needed import where
from cryoem_cloud.courier.sending.unsent import Unsent
from cryoem_cloud.model.file import BLOCK_BYTES, Entry
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.stamp import stamp_from
from cryoem_cloud.mover.tidy import forget
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.index import IndexLog, Recorded

__all__ = ["Recording"]


@dataclass(frozen=True)
class Recording:
    """Keeps that of one project. `journals` is where those of large files are."""

    store: Store
    project: Project
    cache: Cache
    journals: Path | None

    @property
    def index(self) -> IndexLog:
        """The project's."""
        return IndexLog(self.store, self.project.name)

    def record(self, purpose: str, batch: list[Entry], known: Mapping[str, Entry]) -> None:
        """Name in the index what is new to it, and keep that it does."""
        name = self.project.name
        fresh = [
            entry
            for entry in batch
            if entry.content and not entry.content.reference and known.get(entry.path) != entry
        ]
        if fresh:
            origin = f"{purpose} {secrets.token_hex(8)}"
            number = self.index.append(origin, fresh, after=self.cache.last_read(name))
            recorded = Recorded(number=number, origin=origin, entries=tuple(fresh))
            self.cache.written(self.index, name, recorded)

    def stand(self, entries: Iterable[Entry]) -> None:
        """Keep which files are as the index names them, so that they need not be looked at."""
        found = []
        for entry in entries:
            if entry.content is None or entry.content.reference:
                continue
            file = where(self.project.folder, entry.path)
            with suppress(OSError):
                now = file.stat()
                mode, stamp = now.st_mode & 0o777, stamp_from(file, now)
                if (stamp.size, stamp.mtime_ns, mode) == (entry.size, entry.mtime_ns, entry.mode):
                    found.append((entry.path, stamp, mode))
        self.cache.stand(self.project.name, found)

    def forget(self, recorded: Iterable[Unsent]) -> None:
        """Keep no journals of large files that the index names now."""
        for one in recorded:
            if one.stamp.size <= BLOCK_BYTES:
                continue
            entry = self.cache.entry(self.project.name, one.path)
            if entry is not None and entry.content is not None:
                key = f"{self.project.name}/{entry.content.key}"
                forget(self.store, self.journals, key=key, path=one.file)
