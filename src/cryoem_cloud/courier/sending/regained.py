"""A project in which a job's files are as the job has made them, whatever lies there by now."""

import errno
import os
import posixpath
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from cryoem_cloud.apps.links import Links
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.links import leads_to
from cryoem_cloud.ports.view import View

__all__ = ["Regained"]


class Regained:
    """See ports.view: another view, but that the entries of `made` lie in it.

    `opened` gives the bytes of a file among them.
    """

    def __init__(
        self, view: View, made: Mapping[str, Entry], opened: Callable[[Entry], BinaryIO]
    ) -> None:
        self._view = view
        self._made = made
        self._opened = opened
        self._links = Links(self)
        self._names: dict[str, set[str]] = defaultdict(set)
        for path in made:
            while path and posixpath.basename(path) not in self._names[posixpath.dirname(path)]:
                self._names[posixpath.dirname(path)].add(posixpath.basename(path))
                path = posixpath.dirname(path)  # noqa: PLW2901  (upwards from each)

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        place = self._links.real(path)
        if place in self._made:
            return Kind.FOLDER if self._made[place].kind is Kind.FOLDER else Kind.FILE
        return Kind.FOLDER if place in self._names else self._view.kind(path)

    def open(self, path: str) -> BinaryIO:
        """See the port."""
        entry = self._made.get(self._links.real(path))
        if entry is None:
            return self._view.open(path)
        if entry.content is None:
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return self._opened(entry)

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        more = self._names.get(self._links.real(folder), set())
        found = self._view.names(folder)
        return sorted(more.union(found), key=os.fsencode) if more else found

    def link(self, path: str) -> str:
        """See the port."""
        entry = self._made.get(posixpath.normpath(path))
        if entry is None:
            return self._view.link(path)
        return leads_to(entry) if entry.kind is Kind.LINK else ""
