"""Classes of objects in this process; for tests."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cryoem_cloud.model.checks import crc32_of
from cryoem_cloud.model.errors import ArchivedError, ObjectExistsError
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Kept, Reach

if TYPE_CHECKING:
    from cryoem_cloud.stores.memory import MemoryStore

__all__ = ["MemoryClasses"]

_STANDARD = StorageClass.STANDARD


class MemoryClasses:
    """Classes of one memory store's objects. A test says when what was asked for is `restored`."""

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self._classes: dict[str, StorageClass] = {}
        self._reach: dict[str, Reach] = {}
        self._lock = threading.Lock()

    def forget(self, key: str) -> None:
        """Its bytes are new, or gone: they are kept as all are at first."""
        with self._lock:
            self._classes.pop(key, None)
            self._reach.pop(key, None)

    def require(self, key: str) -> None:
        """See to it that the object can be read.

        Raises:
            ArchivedError: It cannot.
        """
        if self._reach.get(key) in {Reach.ARCHIVED, Reach.RESTORING}:
            raise ArchivedError(f"{key} is archived", hint="cryoem storage restore PATH")

    def restored(self) -> None:
        """Let all that is being restored be so."""
        with self._lock:
            for key, reach in self._reach.items():
                if reach is Reach.RESTORING:
                    self._reach[key] = Reach.RESTORED

    def kept(self, key: str) -> Kept:
        """See the port."""
        data = self._store.bytes_of(key)
        with self._lock:
            reach = self._reach.get(key, Reach.READABLE)
            return Kept(
                key=key,
                size=len(data),
                word=self._classes.get(key, _STANDARD).value,
                tag=crc32_of([data]),
                reach=reach,
                until="some day" if reach is Reach.RESTORED else "",
            )

    def list(self, prefix: str) -> Iterator[Kept]:
        """See the port."""
        for listed in self._store.list(prefix):
            word = self._classes.get(listed.key, _STANDARD)
            reach = Reach.ARCHIVED if word is StorageClass.DEEP else Reach.READABLE
            yield Kept(key=listed.key, size=listed.size, word=word.value, reach=reach)

    def move(self, key: str, to: StorageClass, *, tag: str) -> None:
        """See the port."""
        if self.kept(key).tag != tag:
            raise ObjectExistsError(f"{key} has other bytes by now")
        self.require(key)
        with self._lock:
            self._classes[key] = to
            self._reach.pop(key, None)
            if to is StorageClass.DEEP:
                self._reach[key] = Reach.ARCHIVED

    def restore(self, key: str, *, days: int, bulk: bool) -> None:  # noqa: ARG002  (the port's)
        """See the port."""
        if self.kept(key).reach is Reach.ARCHIVED:
            with self._lock:
                self._reach[key] = Reach.RESTORING
