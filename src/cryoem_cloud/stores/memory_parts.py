"""Uploads in parts, in this process; for tests."""

import secrets
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryoem_cloud.model.checks import crc32_of
from cryoem_cloud.model.errors import CorruptObjectError, ObjectMissingError, StoreError
from cryoem_cloud.ports.parts import LEAST_PART_BYTES, MOST_PARTS, Buffer, SentPart, Take
from cryoem_cloud.stores.filling import Filling, UntakenError
from cryoem_cloud.stores.lawful import lawful

if TYPE_CHECKING:
    from cryoem_cloud.stores.memory import MemoryStore

__all__ = ["MemoryParts"]


class MemoryParts:
    """Parts of objects of one memory store. `least_bytes` is what a part must have, but the last.

    Tests may set it lower than S3 does.
    """

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self._uploads: dict[tuple[str, str], dict[int, tuple[SentPart, bytes]]] = {}
        self._lock = threading.Lock()
        self.least_bytes = LEAST_PART_BYTES

    @property
    def uploads(self) -> tuple[tuple[str, str], ...]:
        """The uploads that are under way: keys and ids."""
        with self._lock:
            return tuple(self._uploads)

    def begin(self, key: str) -> str:
        """See the port."""
        lawful(key)
        upload = secrets.token_hex(8)
        with self._lock:
            self._uploads[key, upload] = {}
        return upload

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """See the port."""
        if not 1 <= number <= MOST_PARTS:
            raise StoreError(f"{key}: there is no part {number}")
        data = b"".join(pieces)
        check = crc32_of([data])
        part = SentPart(number=number, size=len(data), tag=f"tag-{check}", check=check)
        with self._lock:
            self._of(key, upload)[number] = (part, data)
        return part

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        """See the port."""
        with self._lock:
            held = self._of(key, upload)
            return tuple(held[number][0] for number in sorted(held))

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        """See the port."""
        with self._lock:
            held = dict(self._of(key, upload))
        for part in parts:
            if part.number not in held or held[part.number][0] != part:
                raise StoreError(f"{key}: part {part.number} is not the one that is there")
        if any(part.size < self.least_bytes for part in parts[:-1]):
            raise StoreError(f"{key}: a part is too small")
        if not parts or [p.number for p in parts] != sorted({p.number for p in parts}):
            raise StoreError(f"{key}: the parts are not in order")
        data = b"".join(held[part.number][1] for part in parts)
        self._store.put(key, data, if_absent=if_absent)
        self.abort(key, upload)

    def abort(self, key: str, upload: str) -> None:
        """See the port."""
        with self._lock:
            self._uploads.pop((key, upload), None)

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        """See the port."""
        filling = Filling(buffer, length, take)
        data = self._store.get(key, start=start, length=filling.length)
        if len(data) < filling.length:
            raise CorruptObjectError(f"{key} is {filling.length - len(data)} bytes too short")
        try:
            filling.fill(data)
        except UntakenError as error:
            raise error.why from error

    def _of(self, key: str, upload: str) -> dict[int, tuple[SentPart, bytes]]:
        if (key, upload) not in self._uploads:
            raise ObjectMissingError(f"there is no upload {upload} of {key}")
        return self._uploads[key, upload]
