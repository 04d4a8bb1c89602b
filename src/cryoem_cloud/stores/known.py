"""A store of which this computer remembers which projects it has held.

A folder on a disk that is not mounted looks like a store that is new. Nobody must begin it anew:
jobs would be sent a second time, and numbers given a second time.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from cryoem_cloud.model.errors import ObjectMissingError, StoreUnreachableError
from cryoem_cloud.model.keys import project_key
from cryoem_cloud.ports.parts import Parts
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.held import Held, HeldParts

__all__ = ["Known"]


class Known(Held):
    """A store that is not reachable while it lacks a project that it has held. Safe for threads.

    `memory` is a folder of this computer; it gets an empty file for each project that was seen in
    the store. What is asked of such a project, or of a store that lacks all of them, raises
    StoreUnreachableError. A project that was seen by this very object is not looked for again: it
    costs one request a project and process.
    """

    def __init__(self, store: Store, memory: Path) -> None:
        super().__init__(store)
        self._memory = memory
        self._there: set[str] = set()
        self._lock = threading.Lock()

    @property
    def parts(self) -> Parts | None:
        """The held store's, as long as it still is the one that we know."""
        parts = self._store.parts
        return parts and _KnownParts(parts, self._at)

    def _at(self, key: str) -> Store:
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


class _KnownParts(HeldParts):
    def __init__(self, parts: Parts, require: Callable[[str], object]) -> None:
        super().__init__(parts)
        self._require = require

    def _at(self, key: str) -> Parts:
        self._require(key)
        return self._parts
