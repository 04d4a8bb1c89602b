"""Which objects of a project may have to be restored before they are read: a hint, and the truth.

The hint is a list of records in the store, written before anything is moved: whoever wants many
objects asks about those alone that it names. What an object is like, only its store knows.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from cryoem_cloud.model.errors import ObjectExistsError, ObjectMissingError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.keys import archive_key, archive_prefix
from cryoem_cloud.model.record import decode, encode, items
from cryoem_cloud.ports.classes import Kept, Reach
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.whole import reading

__all__ = ["ArchiveLog", "archived_keys", "kept_of", "unreadable"]

_AT_ONCE = 16
_KEYS = 5000
"""In a record, at most."""
UNREADABLE = frozenset({Reach.ARCHIVED, Reach.RESTORING})


class ArchiveLog:
    """The keys, relative to the project, of what was ever archived. Records never change."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project

    def keys(self) -> frozenset[str]:
        """All of them; a request, and one for each record."""
        found: set[str] = set()
        for listed in self._store.list(archive_prefix(self._project)):
            with reading(listed.key):
                found.update(
                    map(str, items(decode("archive", self._store.get(listed.key)), "keys"))
                )
        return frozenset(found)

    def note(self, keys: Iterable[str]) -> None:
        """Record keys that are about to be archived, those that are not recorded yet."""
        fresh = sorted(set(keys) - self.keys())
        for start in range(0, len(fresh), _KEYS):
            self._append(encode("archive", {"keys": list(fresh[start : start + _KEYS])}))

    def _append(self, data: bytes) -> None:
        listed = self._store.list(archive_prefix(self._project))
        names = (item.key.rpartition("/")[2] for item in listed)
        number = max((int(name) for name in names if name.isdecimal()), default=0) + 1
        while True:
            try:
                self._store.put(archive_key(self._project, number), data, if_absent=True)
            except ObjectExistsError:  # another's, or ours: twice is no harm
                number += 1
            else:
                return


def archived_keys(store: Store, project: str) -> frozenset[str]:
    """What was ever archived; nothing, for no request, where the store has no classes."""
    return ArchiveLog(store, project).keys() if store.classes is not None else frozenset()


def kept_of(store: Store, project: str, keys: Iterable[str]) -> dict[str, Kept]:
    """How a project's objects are kept, by key relative to it, of those that are there.

    A request each, several at a time; nothing where the store has no classes.
    """
    classes = store.classes
    if classes is None:
        return {}

    def one(key: str) -> tuple[str, Kept] | None:
        try:
            return key, classes.kept(f"{project}/{key}")
        except ObjectMissingError:
            return None

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return dict(found for found in pool.map(one, keys) if found is not None)


def unreadable(store: Store, project: str, entries: Sequence[Entry]) -> list[tuple[Entry, Kept]]:
    """Those of the entries whose bytes cannot be had now, as far as we have archived them."""
    noted = archived_keys(store, project)
    keys = {key for key in _keys(entries) if key in noted}
    kept = kept_of(store, project, keys)
    return [
        (entry, kept[entry.content.key])
        for entry in entries
        if entry.content
        and entry.content.key in kept
        and kept[entry.content.key].reach in UNREADABLE
    ]


def _keys(entries: Iterable[Entry]) -> Iterator[str]:
    return (entry.content.key for entry in entries if entry.content)
