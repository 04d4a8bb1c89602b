"""A project as a machine without its folder knows it: some entries, and bytes in the store."""

import errno
import os
import posixpath
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from cryoem_cloud.apps.links import Links
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.links import leads_to
from cryoem_cloud.model.paths import OUTSIDE
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.ports.store import Store

__all__ = ["EntriesView"]

_KINDS = {Kind.FILE: Kind.FILE, Kind.STUB: Kind.FILE, Kind.FOLDER: Kind.FOLDER}


class EntriesView:
    """The files that entries name; see ports.view. Of several for one path the last one counts.

    Bytes are fetched into `scratch`, verified, when a file is opened, and kept there no longer.
    """

    def __init__(
        self, entries: Iterable[Entry], *, store: Store, project: str, scratch: Path
    ) -> None:
        self._entries = {entry.path: entry for entry in entries}
        self._store = store
        self._project = project
        self._scratch = scratch
        self._links = Links(self)
        self._names: dict[str, set[str]] = defaultdict(set)
        for path in self._entries:
            while path:
                folder, _, name = path.rpartition("/")
                if name in self._names[folder]:
                    break
                self._names[folder].add(name)
                path = folder  # noqa: PLW2901  (upwards from each)

    def entry(self, path: str) -> Entry | None:
        """What lies at that very path, or where links on the way lead; None where nothing does."""
        return self._entries.get(self._links.real(path))

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        place = self._links.real(path)
        entry = self._entries.get(place)
        if entry is not None:
            return _KINDS.get(entry.kind)
        return Kind.FOLDER if place in self._names else None

    def open(self, path: str) -> BinaryIO:
        """See the port."""
        entry = self.entry(path)
        if entry is None or entry.content is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._scratch.mkdir(parents=True, exist_ok=True)
        copy = self._scratch / f"view-{secrets.token_hex(8)}"
        try:
            place_file(self._store, self._project, entry, copy)
            return copy.open("rb")
        finally:
            copy.unlink(missing_ok=True)

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        return sorted(self._names.get(self._links.real(folder), ()), key=os.fsencode)

    def link(self, path: str) -> str:
        """See the port."""
        entry = self._entries.get(posixpath.normpath(path))
        if entry is None or entry.kind is not Kind.LINK:
            return ""
        if entry.target.startswith("/"):
            return OUTSIDE + posixpath.normpath(entry.target).lstrip("/")
        return leads_to(entry)
