"""Which of a job's outputs come home, and which stay in the store."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from cryoem_cloud.courier.homeward.room import Room
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Application

__all__ = ["Bundled", "HomePolicy"]

Bundled = tuple[Entry, bytes]
"""An entry with the bytes of its file."""


@dataclass(frozen=True, slots=True)
class HomePolicy:
    """A job's, as it was submitted: all comes home, or what its application calls bulk stays."""

    job: Job
    application: Application

    def staying(self, paths: Iterable[str], *, ended: bool) -> frozenset[str]:
        """Those of the outputs that stay in the store; once the job has `ended`, of all of them."""
        if not self.job.wish.essential:
            return frozenset()
        return self.application.bulk(self.job, paths, ended=ended)

    def coming(
        self, entries: tuple[Entry, ...], small: tuple[Bundled, ...], room: Room, *, ended: bool
    ) -> tuple[tuple[Entry, ...], tuple[Bundled, ...]]:
        """Those of the outputs that come home, and the folders of those that stay.

        A folder is made all the same: where it is gone, the user has deleted what would lie in it.
        Of a file that stays an older version gives way, as it would to one that comes.
        """
        both = (*entries, *(entry for entry, _ in small))
        staying = self.staying([entry.path for entry in both], ended=ended)
        for entry in both:
            if entry.path in staying and entry.kind is Kind.FILE and room.holds_other(entry):
                room.remove(entry.path)
        folders = {posixpath.dirname(path) for path in staying}
        folders -= {folder.rstrip("/") for folder in self.job.outputs}
        made = (Entry(path=name, kind=Kind.FOLDER) for name in sorted(folders))
        return (
            (*(entry for entry in entries if entry.path not in staying), *made),
            tuple((entry, data) for entry, data in small if entry.path not in staying),
        )
