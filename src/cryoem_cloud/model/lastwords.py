"""What an index says in the end: the last word on each path, which is a file's or a folder's."""

from collections import Counter
from collections.abc import Iterable, Iterator

from cryoem_cloud.model.file import Entry, Kind

__all__ = ["LastWords", "folders_of"]


class LastWords:
    """Entries by path, as they are taken one after the other.

    A file that is taken ends what lay below its path, and what is taken ends a file that its folder
    was before: with both, neither could be put into a folder. What was `removed` holds no file any
    more: an entry that names its key is not there, and one that does so later says nothing.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.removed: set[str] = set()
        self._below: Counter[str] = Counter()

    def take(self, entries: Iterable[Entry], *, removed: Iterable[str] = ()) -> None:
        """Take a record's entries, and the keys of the objects that it removes."""
        for entry in entries:
            if entry.content and entry.content.key in self.removed:
                continue
            self._drop(entry.path)
            if entry.kind is not Kind.GONE:
                self._add(entry)
        if fresh := set(removed):
            self.removed |= fresh
            for path in [
                p for p, e in self.entries.items() if e.content and e.content.key in fresh
            ]:
                self._drop(path)

    def _add(self, entry: Entry) -> None:
        path = entry.path
        if entry.kind is Kind.FILE and self._below[path]:
            for lost in [one for one in self.entries if one.startswith(path + "/")]:
                self._drop(lost)
        for folder in folders_of(path):
            above = self.entries.get(folder)
            if above is not None and above.kind is Kind.FILE:
                self._drop(folder)
            self._below[folder] += 1
        self.entries[path] = entry

    def _drop(self, path: str) -> None:
        if self.entries.pop(path, None) is not None:
            self._below.subtract(folders_of(path))


def folders_of(path: str) -> Iterator[str]:
    """The folders that a path lies in, the innermost first."""
    while (at := path.rfind("/")) > 0:
        path = path[:at]
        yield path
