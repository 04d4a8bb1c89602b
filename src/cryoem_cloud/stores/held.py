"""A store in front of another: what stores have in common that add one thing to those they hold."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cryoem_cloud.ports.parts import Parts
from cryoem_cloud.ports.store import Listed, Properties, Store

__all__ = ["Held"]


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
