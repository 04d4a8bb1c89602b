"""A store of which this computer remembers which projects it has held.

A folder on a disk that is not mounted looks like a store that is new. Nobody must begin it anew:
jobs would be sent a second time, and numbers given a second time.
"""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryoem_cloud.model.errors import ObjectMissingError, StoreUnreachableError
from cryoem_cloud.model.keys import project_key
from cryoem_cloud.ports.store import Listed, Properties, Store

__all__ = ["Known"]


class Known:
    """A store that is not reachable while it lacks a project that it has held. Safe for threads.

    `memory` is a folder of this computer; it gets an empty file for each project that was seen in
    the store. What is asked of such a project, or of a store that lacks all of them, raises
    StoreUnreachableError. A project that was seen by this very object is not looked for again: it
    costs one request a project and process.
    """

    def __init__(self, store: Store, memory: Path) -> None:
        self._store = store
        self._memory = memory
        self._there: set[str] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The held store's."""
        return self._store.url

    @property
    def properties(self) -> Properties:
        """The held store's."""
        return self._store.properties

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self._checked(key).put(key, data, if_absent=if_absent)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port."""
        self._checked(key).put_stream(key, chunks, size=size, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        return self._checked(key).get(key, start=start, length=length)

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        yield from self._checked(key).get_stream(key, start=start, length=length)

    def size(self, key: str) -> int:
        """See the port."""
        return self._checked(key).size(key)

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        yield from self._checked(prefix).list(prefix, after=after)

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        yield from self._checked(prefix).folders(prefix)

    def delete(self, key: str) -> None:
        """See the port."""
        self._checked(key).delete(key)

    def clone_in(self, path: Path, key: str) -> bool:
        """See the port."""
        return self._checked(key).clone_in(path, key)

    def clone_out(self, key: str, path: Path) -> bool:
        """See the port."""
        return self._checked(key).clone_out(key, path)

    def _checked(self, key: str) -> Store:
        """The held store, if it still is the one that we know."""
        project, slash, _ = key.partition("/")
        with self._lock:
            if not (slash and self._holds(project)):
                known = self._remembered()
                if project in known:
                    raise self._away(f"the project {project}")
                if known and not any(map(self._holds, known)):
                    raise self._away(f"the project {known[0]}")
        return self._store

    def _holds(self, project: str) -> bool:
        """Whether the project is in the store; then it is remembered."""
        if project in self._there:
            return True
        try:
            self._store.size(project_key(project))
        except ObjectMissingError:
            return False
        self._memory.mkdir(parents=True, exist_ok=True)
        (self._memory / project).touch()
        self._there.add(project)
        return True

    def _remembered(self) -> tuple[str, ...]:
        return tuple(sorted(path.name for path in self._memory.glob("*")))

    def _away(self, what: str) -> StoreUnreachableError:
        return StoreUnreachableError(
            f"{self.url} is not reachable: it does not hold {what}, which it has held",
            hint=f"is its disk mounted? If the store is gone for good, remove {self._memory}",
        )
