"""Counting what is asked of a store, because object stores charge for every request."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Classes, Kept
from cryoem_cloud.ports.parts import Buffer, Parts, SentPart, Take, bytes_in
from cryoem_cloud.ports.store import Listed, Store, Told
from cryoem_cloud.stores.held import Held, HeldClasses, HeldParts

__all__ = ["Counted", "Counts"]


@dataclass
class Counts:
    """Calls by the name of the method, and bytes of objects in both directions."""

    calls: Counter[str] = field(default_factory=Counter)
    bytes_in: int = 0
    bytes_out: int = 0


class Counted(Held):
    """A store whose calls are counted; safe for threads.

    A call is one request, but for objects that go in parts and listings longer than a page. What is
    tried again below is counted once: put this beneath `Patient` to count every request. A clone is
    no request.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._lock = threading.Lock()
        self.counts = Counts()
        """Since the store was made."""

    @property
    def parts(self) -> Parts | None:
        """The held store's, counted."""
        parts = self._store.parts
        return parts and _CountedParts(parts, self._count)

    @property
    def classes(self) -> Classes | None:
        """The held store's, counted."""
        classes = self._store.classes
        return classes and _CountedClasses(classes, self._count)

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self._count("put", stored=len(data))
        self._store.put(key, data, if_absent=if_absent)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port."""
        self._count("put_stream", stored=size)
        self._store.put_stream(key, chunks, size=size, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        self._count("get")
        data = self._store.get(key, start=start, length=length)
        self._count(read=len(data))
        return data

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        self._count("get_stream")
        for piece in self._store.get_stream(key, start=start, length=length):
            self._count(read=len(piece))
            yield piece

    def size(self, key: str) -> int:
        """See the port."""
        self._count("size")
        return self._store.size(key)

    def told(self, key: str) -> Told:
        """See the port."""
        self._count("told")
        return self._store.told(key)

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        self._count("list")
        return self._store.list(prefix, after=after)

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        self._count("folders")
        return self._store.folders(prefix)

    def delete(self, key: str) -> None:
        """See the port."""
        self._count("delete")
        self._store.delete(key)

    def _count(self, call: str = "", *, stored: int = 0, read: int = 0) -> None:
        with self._lock:
            if call:
                self.counts.calls[call] += 1
            self.counts.bytes_in += stored
            self.counts.bytes_out += read


class _CountedParts(HeldParts):
    def __init__(self, parts: Parts, count: Callable[..., None]) -> None:
        super().__init__(parts)
        self._count = count

    def begin(self, key: str) -> str:
        self._count("begin")
        return super().begin(key)

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        self._count("send", stored=bytes_in(pieces))
        return super().send(key, upload, number, pieces)

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        self._count("there")
        return super().there(key, upload)

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        self._count("complete")
        super().complete(key, upload, parts, if_absent=if_absent)

    def abort(self, key: str, upload: str) -> None:
        self._count("abort")
        super().abort(key, upload)

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        self._count("read_into")
        super().read_into(key, start, buffer, length=length, take=take)
        self._count(read=buffer.nbytes if length is None else length)


class _CountedClasses(HeldClasses):
    def __init__(self, classes: Classes, count: Callable[..., None]) -> None:
        super().__init__(classes)
        self._count = count

    def kept(self, key: str) -> Kept:
        self._count("kept")
        return super().kept(key)

    def list(self, prefix: str) -> Iterator[Kept]:
        self._count("list")
        return super().list(prefix)

    def move(self, key: str, to: StorageClass, *, tag: str) -> None:
        self._count("move")
        super().move(key, to, tag=tag)

    def restore(self, key: str, *, days: int, bulk: bool) -> None:
        self._count("restore")
        super().restore(key, days=days, bulk=bulk)
