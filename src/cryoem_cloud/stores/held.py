"""A store in front of another: what stores have in common that add one thing to those they hold."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Classes, Kept
from cryoem_cloud.ports.parts import Buffer, Parts, SentPart, Take
from cryoem_cloud.ports.store import Listed, Properties, Store, Told

__all__ = ["Held", "HeldClasses", "HeldParts"]


class Held:
    """Passes every call on. Who adds something to a call overrides it, or `_at` for all of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _at(self, key: str) -> Store:  # noqa: ARG002  (for those who override it)
        """The held store, for a call about that key, or about those that begin with it."""
        return self._store

    @property
    def url(self) -> str:
        """The held store's."""
        return self._store.url

    @property
    def properties(self) -> Properties:
        """The held store's."""
        return self._store.properties

    @property
    def parts(self) -> Parts | None:
        """The held store's."""
        return self._store.parts

    @property
    def classes(self) -> Classes | None:
        """The held store's."""
        return self._store.classes

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self._at(key).put(key, data, if_absent=if_absent)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port."""
        self._at(key).put_stream(key, chunks, size=size, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        return self._at(key).get(key, start=start, length=length)

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        yield from self._at(key).get_stream(key, start=start, length=length)

    def size(self, key: str) -> int:
        """See the port."""
        return self._at(key).size(key)

    def told(self, key: str) -> Told:
        """See the port."""
        return self._at(key).told(key)

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        yield from self._at(prefix).list(prefix, after=after)

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        yield from self._at(prefix).folders(prefix)

    def delete(self, key: str) -> None:
        """See the port."""
        self._at(key).delete(key)

    def clone_in(self, path: Path, key: str) -> bool:
        """See the port."""
        return self._at(key).clone_in(path, key)

    def clone_out(self, key: str, path: Path) -> bool:
        """See the port."""
        return self._at(key).clone_out(key, path)


class HeldParts:
    """Passes every call on to parts, as `Held` does to a store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def _at(self, key: str) -> Parts:  # noqa: ARG002  (for those who override it)
        """The held parts, for a call about that key."""
        return self._parts

    def begin(self, key: str) -> str:
        """See the port."""
        return self._at(key).begin(key)

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """See the port."""
        return self._at(key).send(key, upload, number, pieces)

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        """See the port."""
        return self._at(key).there(key, upload)

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        """See the port."""
        self._at(key).complete(key, upload, parts, if_absent=if_absent)

    def abort(self, key: str, upload: str) -> None:
        """See the port."""
        self._at(key).abort(key, upload)

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
        self._at(key).read_into(key, start, buffer, length=length, take=take)


class HeldClasses:
    """Passes every call on to classes, as `Held` does to a store."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes

    def kept(self, key: str) -> Kept:
        """See the port."""
        return self._classes.kept(key)

    def list(self, prefix: str) -> Iterator[Kept]:
        """See the port."""
        yield from self._classes.list(prefix)

    def move(self, key: str, to: StorageClass, *, tag: str) -> None:
        """See the port."""
        self._classes.move(key, to, tag=tag)

    def restore(self, key: str, *, days: int, bulk: bool) -> None:
        """See the port."""
        self._classes.restore(key, days=days, bulk=bulk)
