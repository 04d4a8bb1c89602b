"""A store that fails in the ways that networks fail, as a test plans it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import TypeVar

from cryoem_cloud.model.errors import StoreError, StoreUnreachableError
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Classes, Kept
from cryoem_cloud.ports.parts import BrokenOffError, Buffer, Parts, SentPart, Take
from cryoem_cloud.ports.store import Listed, Store, Told
from cryoem_cloud.stores.held import Held, HeldClasses, HeldParts

__all__ = ["Fault", "FaultyStore"]

_T = TypeVar("_T")


class Fault(Enum):
    """What happens to a call. All but NONE raise StoreUnreachableError."""

    NONE = "it works"
    REFUSED = "nothing is done"
    LOST = "it is done, and its reply is lost"
    LATE = "it is done later, when the test says so, long after the caller has given up"


class FaultyStore(Held):
    """A store of which `plan` says, by a call's name and key, what happens; clones never fail."""

    def __init__(self, store: Store, plan: Callable[[str, str], Fault]) -> None:
        super().__init__(store)
        self._plan = plan
        self._late: list[Callable[[], None]] = []

    @property
    def parts(self) -> Parts | None:
        """The held store's, with the same plan; a read whose reply is lost breaks half-way."""
        parts = self._store.parts
        return parts and _FaultyParts(parts, self)

    @property
    def classes(self) -> Classes | None:
        """The held store's, with the same plan."""
        classes = self._store.classes
        return classes and _FaultyClasses(classes, self)

    @property
    def late(self) -> int:
        """How many writes are still under way."""
        return len(self._late)

    def land(self, which: int = 0) -> None:
        """Let a late write happen, if the key lets it; nobody hears how it went."""
        try:
            self._late.pop(which)()
        except StoreError:
            return

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self.write("put", key, lambda: self._store.put(key, data, if_absent=if_absent))

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port."""
        held = tuple(chunks)
        self.write(
            "put_stream",
            key,
            lambda: self._store.put_stream(key, held, size=size, if_absent=if_absent),
        )

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        return self.read("get", key, lambda: self._store.get(key, start=start, length=length))

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port; a stream whose reply is lost breaks after its first piece."""
        fault = self._plan("get_stream", key)
        for piece in self._store.get_stream(key, start=start, length=length):
            if fault in {Fault.REFUSED, Fault.LATE}:
                break
            yield piece
            if fault is Fault.LOST:
                break
        if fault is not Fault.NONE:
            raise StoreUnreachableError(f"{key}: {fault.value}")

    def size(self, key: str) -> int:
        """See the port."""
        return self.read("size", key, lambda: self._store.size(key))

    def told(self, key: str) -> Told:
        """See the port."""
        return self.read("told", key, lambda: self._store.told(key))

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        return iter(self.read("list", prefix, lambda: tuple(self._store.list(prefix, after=after))))

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        return iter(self.read("folders", prefix, lambda: tuple(self._store.folders(prefix))))

    def delete(self, key: str) -> None:
        """See the port."""
        self.write("delete", key, lambda: self._store.delete(key))

    def planned(self, call: str, key: str) -> Fault:
        """What the plan says of a call."""
        return self._plan(call, key)

    def write(self, call: str, key: str, act: Callable[[], None]) -> None:
        """A call that changes something, as the plan has it."""
        fault = self._plan(call, key)
        if fault is Fault.LATE:
            self._late.append(act)
        if fault in {Fault.NONE, Fault.LOST}:
            act()
        if fault is not Fault.NONE:
            raise StoreUnreachableError(f"{key}: {fault.value}")

    def read(self, call: str, key: str, act: Callable[[], _T]) -> _T:
        """A call that changes nothing, as the plan has it."""
        fault = self.planned(call, key)
        if fault is not Fault.NONE:
            raise StoreUnreachableError(f"{key}: {fault.value}")
        return act()


class _FaultyParts(HeldParts):
    def __init__(self, parts: Parts, store: FaultyStore) -> None:
        super().__init__(parts)
        self._store = store

    def begin(self, key: str) -> str:
        begun: list[str] = []
        self._store.write("begin", key, lambda: begun.append(self._parts.begin(key)))
        return begun[0]

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        sent: list[SentPart] = []
        held = [bytes(piece) for piece in pieces]
        self._store.write(
            "send", key, lambda: sent.append(self._parts.send(key, upload, number, held))
        )
        return sent[0]

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        return self._store.read("there", key, lambda: self._parts.there(key, upload))

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        self._store.write(
            "complete",
            key,
            lambda: self._parts.complete(key, upload, parts, if_absent=if_absent),
        )

    def abort(self, key: str, upload: str) -> None:
        self._store.write("abort", key, lambda: self._parts.abort(key, upload))

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        fault = self._store.planned("read_into", key)
        whole = len(buffer) if length is None else length
        come = {Fault.NONE: whole, Fault.LOST: whole // 2}.get(fault, 0)
        if length is None:
            self._parts.read_into(key, start, buffer[:come])
        else:
            self._parts.read_into(key, start, buffer, length=come, take=take)
        if fault is not Fault.NONE:
            raise BrokenOffError(StoreUnreachableError(f"{key}: {fault.value}"), come)


class _FaultyClasses(HeldClasses):
    def __init__(self, classes: Classes, store: FaultyStore) -> None:
        super().__init__(classes)
        self._store = store

    def kept(self, key: str) -> Kept:
        return self._store.read("kept", key, lambda: self._classes.kept(key))

    def list(self, prefix: str) -> Iterator[Kept]:
        return iter(self._store.read("list", prefix, lambda: tuple(self._classes.list(prefix))))

    def move(self, key: str, to: StorageClass, *, tag: str) -> None:
        self._store.write("move", key, lambda: self._classes.move(key, to, tag=tag))

    def restore(self, key: str, *, days: int, bulk: bool) -> None:
        self._store.write("restore", key, lambda: self._classes.restore(key, days=days, bulk=bulk))
