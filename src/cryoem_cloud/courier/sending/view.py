"""A project as its user has it: the folder on disk, and what only the store has."""

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.links import Links
from cryoem_cloud.courier.homeward.left import LeftInStore
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.paths import OUTSIDE
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.archived import naming_archived
from cryoem_cloud.mover.pull import fetch_bytes, place_file
from cryoem_cloud.ports.store import Store

__all__ = ["ProjectView", "fetched"]

_IN_MEMORY_BYTES = 16 * 1024 * 1024
"""Larger files are read from a temporary copy."""


class ProjectView:
    """See ports.view. `left` says what only the store has.

    Reading from the store raises StoreError too, and CorruptObjectError for bytes that are not
    those that were stored.
    """

    def __init__(self, store: Store, project: Project, cache: Cache, left: LeftInStore) -> None:
        self._store = store
        self._project = project
        self._cache = cache
        self._left = left
        self._here = Here(project.folder)
        self._links = Links(self._here)

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        found = self._here.kind(path)
        if found is not None or path.startswith(OUTSIDE):
            return found
        return Kind.FILE if self._links.real(path) in self._left else None

    def open(self, path: str) -> BinaryIO:
        """See the port."""
        try:
            return self._here.open(path)
        except (FileNotFoundError, NotADirectoryError):
            entry = self._cache.entry(self._project.name, self._links.real(path))
            if entry is None or entry.content is None:
                raise
            return fetched(self._store, self._project.name, entry)

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        here = self._here.names(folder)
        left = set(self._left.names(self._links.real(folder)))
        return sorted(left.union(here), key=os.fsencode) if left else here

    def link(self, path: str) -> str:
        """See the port: links are those of the folder."""
        return self._here.link(path)


def fetched(store: Store, project: str, entry: Entry) -> BinaryIO:
    """A file that the store has, from its start; a copy that is gone once it is closed."""
    if entry.content is not None and entry.size <= _IN_MEMORY_BYTES:
        with naming_archived(entry.path):
            return BytesIO(fetch_bytes(store, project, entry.content))
    with TemporaryDirectory(prefix="cryoem-") as folder:
        copy = Path(folder, "copy")
        place_file(store, project, entry, copy)
        return copy.open("rb")
