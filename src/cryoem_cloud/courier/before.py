"""A project as it was before a job's machines had made anything.

What a job has to do is asked again where its errand begins anew, and then some of what its pieces
have made is home. That must not change the answer.
"""

import errno
import os
import posixpath
from collections.abc import Collection, Sequence
from typing import BinaryIO

from cryoem_cloud.apps.links import Links
from cryoem_cloud.model.file import Kind
from cryoem_cloud.ports.view import View
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Before", "made_by"]


def made_by(records: JobRecords) -> frozenset[str]:
    """The paths of all that a job's machines have told of; a request where it has no tasks yet.

    But for folders: what was empty on a machine may hold other things here.
    """
    made: set[str] = set()
    for machine in records.machines() if records.tasks(0) else ():
        number = 1
        while (page := records.page(machine, number)) is not None:
            number += 1
            told = (*page.files, *(entry for entry, _ in page.small))
            made.update(entry.path for entry in told if entry.kind is not Kind.FOLDER)
    return frozenset(made)


class Before:
    """See ports.view: another view, without files that lie at these paths, links followed."""

    def __init__(self, view: View, made: Collection[str]) -> None:
        self._view = view
        self._links = Links(view)
        self._made = frozenset(map(posixpath.normpath, made))

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
