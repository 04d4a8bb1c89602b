"""A project as it was before a job's machines had made anything.

What a job has to do is asked again where its errand begins anew, and then some of what its pieces
have made is home. That must not change the answer.
"""

import errno
import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from cryoem_cloud.apps.links import Links
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.ports.view import View
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Before", "told_by"]


def told_by(records: JobRecords) -> Iterator[Entry]:
    """All that a job's machines have told of; a request where it has no tasks yet."""
    for machine in records.machines() if records.tasks(0) else ():
        for page in records.journal(machine):
            yield from page.entries


class Before:
    """See ports.view: another view, without the files that were `made`, links followed.

    Folders stay: what was empty on a machine may hold other things here.
    """

    def __init__(self, view: View, made: Iterable[Entry]) -> None:
        self._view = view
        self._links = Links(view)
        paths = (entry.path for entry in made if entry.kind is not Kind.FOLDER)
        self._made = frozenset(map(posixpath.normpath, paths))

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        found = self._view.kind(path)
        return None if found is Kind.FILE and self._hides(path) else found

    def open(self, path: str) -> BinaryIO:
        """See the port."""
        if self._hides(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._view.open(path)

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        found = self._view.names(folder)
        if not self._made:
            return found
        real = self._links.real(folder)
        return [name for name in found if posixpath.join(real, name) not in self._made]

    def link(self, path: str) -> str:
        """See the port."""
        return "" if posixpath.normpath(path) in self._made else self._view.link(path)

    def _hides(self, path: str) -> bool:
        return bool(self._made) and self._links.real(path) in self._made
