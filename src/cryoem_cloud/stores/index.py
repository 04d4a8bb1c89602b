"""The index: which key holds which file of a project. An append-only list of records.

A record says entries itself, or names a manifest (an object with entries) and its digest. Readers
apply records in order; the last word on a path wins (`model.lastwords`). Records never change.

What is removed. Before objects are deleted a record names their keys, at the number behind all that
was read when they were found to hold no file. From then on they are as good as gone: an entry of a
later record that names one says nothing, and whoever wrote it sends the bytes again, under another
key. So every file that the index names has its object, whoever writes and cleans at a time.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryoem_cloud.model.digest import is_digest_of
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    FormatError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnreachableError,
)
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.keys import index_key, index_prefix, job_key
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.model.record import JSON, decode, encode, items, text, texts
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.whole import reading

__all__ = ["IndexLog", "Recorded", "entries_from_bytes", "entries_to_bytes"]

_LOG = logging.getLogger(__name__)
_JOB = re.compile(r"jobs/(\d{8,})/out/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One record: who wrote it (unique to the writing), and what it says."""

    number: int
    origin: str
    entries: tuple[Entry, ...]
    removed: tuple[str, ...] = ()
    """Keys, relative to the project, of objects that are about to be deleted."""


def entries_to_bytes(entries: Iterable[Entry]) -> bytes:
    """A manifest as it is stored."""
    return encode("entries", {"entries": [entry.to_json() for entry in entries]})


def entries_from_bytes(data: bytes) -> tuple[Entry, ...]:
    """The entries of a manifest.

    Raises:
        FormatError: It is not a manifest.
    """
    return tuple(Entry.from_json(item) for item in items(decode("entries", data), "entries"))


class IndexLog:
    """A project's index over any store."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project

    def read(self, *, after: int = 0) -> Iterator[Recorded]:
        """The records with higher numbers, in order; a request each, and one more."""
        number = after + 1
        while True:
            key = index_key(self._project, number)
            try:
                data = self._store.get(key)
            except ObjectMissingError:
                return
            with reading(key):
                recorded = self._recorded(number, data)
            yield recorded
            number += 1

    def append(self, origin: str, entries: Iterable[Entry], *, after: int = 0) -> int:
        """Record entries and return the record's number; a reply that was lost is recognised.

        `origin` names this writing and no other; `after` is a number that is known to be taken.
        """
        fields: dict[str, JSON] = {"entries": [entry.to_json() for entry in entries]}
        return self._append(origin, fields, after=after)

    def append_manifest(self, origin: str, key: str, digest: str, *, after: int = 0) -> int:
        """Record the entries of a manifest, by its key relative to the project, and its digest."""
        return self._append(origin, {"manifest": key, "digest": digest}, after=after)

    def append_next(
        self, origin: str, entries: Iterable[Entry], *, removed: Iterable[str] = (), after: int
    ) -> bool:
        """Record what was decided of the records up to `after`, unless there is one behind them.

        `removed`: keys of objects that hold none of the index's files, and may be deleted once this
        is recorded.
        """
        fields: dict[str, JSON] = {"entries": [entry.to_json() for entry in entries]}
        if keys := list(removed):
            fields["removed"] = keys
        return self._put(after + 1, origin, encode("index", {"origin": origin, **fields}))

    def _append(self, origin: str, fields: dict[str, JSON], *, after: int) -> int:
        data = encode("index", {"origin": origin, **fields})
        number = self._last(after) + 1
        while not self._put(number, origin, data):
            number += 1
        return number

    def _put(self, number: int, origin: str, data: bytes) -> bool:
        """Have the record under the number; False: another has it."""
        key = index_key(self._project, number)
        try:
            self._store.put(key, data, if_absent=True)
        except (ObjectExistsError, StoreUnreachableError) as error:
            try:
                found = self._store.get(key)
            except ObjectMissingError:
                raise StoreUnreachableError(f"{key} could not be written") from error
            with reading(key):
                return text(decode("index", found), "origin") == origin
        return True

    def _last(self, after: int) -> int:
        start = index_key(self._project, after) if after else ""
        found = self._store.list(index_prefix(self._project), after=start)
        names = (item.key.rpartition("/")[2] for item in found)
        return max((int(name) for name in names if name.isdecimal()), default=after)

    def _recorded(self, number: int, data: bytes) -> Recorded:
        fields = decode("index", data)
        if "manifest" in fields:
            entries = self._listed(text(fields, "manifest"), text(fields, "digest"))
        else:
            entries = tuple(Entry.from_json(item) for item in items(fields, "entries"))
        removed = texts(fields, "removed") if "removed" in fields else ()
        return Recorded(
            number=number, origin=text(fields, "origin"), entries=entries, removed=removed
        )

    def _listed(self, key: str, digest: str) -> tuple[Entry, ...]:
        """What a machine's manifest says of its own job's folders; of others it says nothing.

        A manifest that cannot be read says nothing either: its files are sent again when needed.
        """
        try:
            folders = self._folders(key)
            found = entries_from_bytes(self._verified(key, digest))
        except (CorruptObjectError, FormatError, ObjectMissingError) as error:
            _LOG.warning("a list of outputs is passed over: %s", error)
            return ()
        return tuple(
            entry for entry in found if any(is_below(entry.path, folder) for folder in folders)
        )

    def _verified(self, key: str, digest: str) -> bytes:
        data = self._store.get(f"{self._project}/{key}")
        if not is_digest_of(digest, data):
            raise CorruptObjectError(f"{key} is not what the index promises")
        return data

    def _folders(self, manifest: str) -> tuple[str, ...]:
        """The output folders of the job that a manifest belongs to."""
        found = _JOB.match(manifest)
        if found is None:
            raise FormatError(f"{manifest} is no list of a job's outputs")
        from cryoem_cloud.model.job import Job  # noqa: PLC0415  (seldom needed, and large)

        return Job.from_bytes(self._store.get(job_key(self._project, int(found[1])))).outputs
