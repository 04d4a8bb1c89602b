"""The last words of a project's index, read as far as they go, and on from there."""

from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.lastwords import LastWords
from cryoem_cloud.stores.index import IndexLog

__all__ = ["IndexWords"]


class IndexWords:
    """What the index says, as far as it was read; `last` is the number of its last record then.

    A writing that is recorded twice counts where it stands first.
    """

    def __init__(self, log: IndexLog) -> None:
        self.log = log
        self.last = 0
        self._words, self._origins = LastWords(), set[str]()

    @property
    def entries(self) -> dict[str, Entry]:
        """The last word on each path that is there."""
        return self._words.entries

    @property
    def removed(self) -> set[str]:
        """The keys, relative to the project, of what was ever removed."""
        return self._words.removed

    def read_on(self) -> None:
        """Read what was recorded since; a request for each record, and one more."""
        for recorded in self.log.read(after=self.last):
            self.last = recorded.number
            if recorded.origin not in self._origins:
                self._origins.add(recorded.origin)
                self._words.take(recorded.entries, removed=recorded.removed)
