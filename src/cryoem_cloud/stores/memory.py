"""A store in this process; for tests and for trying things out."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryoem_cloud.model.checks import crc32_of
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
)
from cryoem_cloud.ports.store import CHUNK_BYTES, Listed, Properties, Told
from cryoem_cloud.stores.lawful import lawful
from cryoem_cloud.stores.memory_classes import MemoryClasses
from cryoem_cloud.stores.memory_parts import MemoryParts

__all__ = ["MemoryStore"]

_LISTED = 1000
"""Keys that are listed at once; as many as a reply of S3's has."""


class MemoryStore:
    """Objects in a dictionary; safe for threads; gone with the process."""

    def __init__(self, url: str = "memory://") -> None:
        self._url = url
        self._objects: dict[str, bytes] = {}
        self._keys: list[str] = []
        """In order: that of characters is that of their UTF-8."""
        self._lock = threading.Lock()
        self._parts = MemoryParts(self)
        self._classes = MemoryClasses(self)

    @property
    def url(self) -> str:
        """As it was given."""
        return self._url

    @property
    def properties(self) -> Properties:
        """No files, no clones."""
        return Properties(local=False, clones=False)

    @property
    def parts(self) -> MemoryParts:
        """See the port."""
        return self._parts

    @property
    def classes(self) -> MemoryClasses:
        """See the port."""
        return self._classes

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        lawful(key)
        with self._lock:
            if if_absent and key in self._objects:
                raise ObjectExistsError(f"{key} exists already")
            if key not in self._objects:
                insort(self._keys, key)
            self._objects[key] = bytes(data)
            self._classes.forget(key)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port."""
        data = b"".join(chunks)
        if len(data) != size:
            raise StoreError(f"{key}: {size} bytes were announced, {len(data)} came")
        self.put(key, data, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        data = self.bytes_of(key)
        self._classes.require(key)
        return data[start:] if length is None else data[start : start + length]

    def bytes_of(self, key: str) -> bytes:
        """An object's bytes, wherever it is kept.

        Raises:
            ObjectMissingError: There is no such object.
        """
        lawful(key)
        with self._lock:
            if key not in self._objects:
                raise ObjectMissingError(f"there is no {key}")
            return self._objects[key]

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        data = self.get(key, start=start, length=length)
        for at in range(0, len(data), CHUNK_BYTES):
            yield data[at : at + CHUNK_BYTES]
        if length is not None and len(data) < length:
            raise CorruptObjectError(f"{key} is {length - len(data)} bytes too short")

    def size(self, key: str) -> int:
        """See the port."""
        return len(self.bytes_of(key))

    def told(self, key: str) -> Told:
        """See the port."""
        data = self.bytes_of(key)
        return Told(len(data), crc32_of([data]))

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        page = self._page(prefix, after)
        while page:
            yield from page
            page = self._page(prefix, page[-1].key)

    def _page(self, prefix: str, after: str) -> tuple[Listed, ...]:
        with self._lock:
            start = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after))
            keys = self._keys[start : start + _LISTED]
            found = (key for key in keys if key.startswith(prefix))
            return tuple(Listed(key, len(self._objects[key])) for key in found)

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        below = (listed.key[len(prefix) :].partition("/") for listed in self.list(prefix))
        yield from sorted({segment for segment, slash, _ in below if slash}, key=str.encode)

    def delete(self, key: str) -> None:
        """See the port."""
        lawful(key)
        with self._lock:
            if self._objects.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]
                self._classes.forget(key)

    def clone_in(self, path: Path, key: str) -> bool:  # noqa: ARG002  (the port's names)
        """See the port; never possible here."""
        return False

    def clone_out(self, key: str, path: Path) -> bool:  # noqa: ARG002  (the port's names)
        """See the port; never possible here."""
        return False
