"""Objects in a bucket of Google's or a container of Azure's, below a prefix, over obstore.

Put-if-absent is the clouds' own condition on a put. An object that goes in pieces cannot carry one
here: it is put under a name of its own, which no key has, and copied to its key if that is absent,
which the clouds do within themselves. obstore gives no uploads in parts away, so that one which is
broken off begins anew, and tells no checksums.

Only obstore's synchronous calls are used: after asynchronous ones CPython 3.11 has been seen to
abort when it ends (obstore 0.12.1).
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import obstore
from obstore.store import AzureStore, GCSStore

from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
)
from cryoem_cloud.ports.store import CHUNK_BYTES, Listed, Properties, Told
from cryoem_cloud.stores.clouds.faults import PastTheEndError, translated
from cryoem_cloud.stores.clouds.pipe import piped
from cryoem_cloud.stores.lawful import lawful
from cryoem_cloud.stores.patient import Patience

__all__ = ["Bucket", "CloudStore"]

Bucket: TypeAlias = GCSStore | AzureStore

_PIECE_BYTES = 16 * 1024 * 1024
"""Smaller objects are sent whole; larger ones in pieces of this size, or more if very large."""
_PIECES = 3
"""Of one object that are under way at a time."""
_MOST_PIECES = 9500
"""Google allows 10,000."""
_BESIDE = "#parts/"
"""No key has a `#`."""
_STALE = timedelta(days=7)
_LIST_PAGE = 1000


class CloudStore:
    """A bucket's objects below `prefix` ("" for all). Single requests are made once.

    `once` makes each request once; `patient` repeats those of large objects itself.
    `own` is whether it is a server of somebody's own, which asks no money that we know of.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        *,
        once: Bucket,
        patient: Bucket,
        patience: Patience,
        own: bool,
    ) -> None:
        self._url = url
        self._prefix = f"{prefix}/" if prefix else ""
        self._once, self._patient, self._patience = once, patient, patience
        self._own = own
        self._seen = self._swept = False

    @property
    def url(self) -> str:
        """`gs://bucket/prefix`, or `az://container/prefix`."""
        return self._url

    @property
    def properties(self) -> Properties:
        """Elsewhere, without clones; costs money."""
        sold_by = "" if self._own else self._url.partition(":")[0]
        return Properties(local=False, clones=False, sold_by=sold_by)

    @property
    def parts(self) -> None:
        """See the port; files go as streams here."""
        return None

    @property
    def classes(self) -> None:
        """See the port; there is one for all."""
        return None

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self._put(self._key(key), data, if_absent=if_absent)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port; what is above 16 MiB goes in pieces, of which a few are in memory."""
        full = self._key(key)
        source = _Source(key, chunks, size)
        if size <= _PIECE_BYTES:
            data = b"".join(source)
            self._patience.persist(lambda: self._put(full, data, if_absent=if_absent))
            return
        if if_absent and self._holds(key):  # before anything large is sent in vain
            raise ObjectExistsError(f"{self.url}: {key} exists already")
        if not if_absent:
            self._send(full, source)
            return
        self._sweep()
        beside = f"{self._prefix}{_BESIDE}{secrets.token_hex(12)}"
        try:
            self._send(beside, source)
            self._patience.persist(lambda: self._copy(beside, full))
        finally:
            with suppress(StoreError):
                self._delete(beside)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        result = self._asked(key, start, length)
        with translated(self._what(key)):
            return bytes(result.bytes()) if result else b""

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        come = 0
        result = self._asked(key, start, length)
        with translated(self._what(key)):
            for piece in result.stream(min_chunk_size=CHUNK_BYTES // 4) if result else ():
                come += len(piece)
                for at in range(0, len(piece), CHUNK_BYTES):
                    yield bytes(piece[at : at + CHUNK_BYTES])
        if length is not None and come < length:
            raise CorruptObjectError(f"{self._what(key)} is {length - come} bytes too short")

    def size(self, key: str) -> int:
        """See the port."""
        full = self._key(key)
        try:
            with translated(self._what(key)):
                return int(obstore.head(self._once, full)["size"])
        except ObjectMissingError:
            if not self._seen:  # the answer has no body that could tell which is missing
                list(self.folders(""))
            raise

    def told(self, key: str) -> Told:
        """See the port; obstore passes on no checksum."""
        return Told(self.size(key))

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        found = (listed for listed in self._listed(prefix) if listed.key.encode() > after.encode())
        yield from sorted(found, key=lambda listed: listed.key.encode())

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        whole = self._prefix + prefix
        with translated(self.url):
            found = obstore.list_with_delimiter(self._once, whole.rstrip("/") or None)
        self._seen = True
        names = {name.removeprefix(whole).rstrip("/") for name in found["common_prefixes"]}
        yield from sorted(names - {_BESIDE.rstrip("/")}, key=str.encode)

    def delete(self, key: str) -> None:
        """See the port."""
        self._delete(self._key(key))

    def clone_in(self, path: Path, key: str) -> bool:  # noqa: ARG002  (the port's names)
        """See the port; never possible here."""
        return False

    def clone_out(self, key: str, path: Path) -> bool:  # noqa: ARG002  (the port's names)
        """See the port; never possible here."""
        return False

    def _key(self, key: str) -> str:
        return lawful(key, prefix=self._prefix)

    def _what(self, key: str) -> str:
        return f"{self.url}: {key}"

    def _put(self, full: str, data: bytes, *, if_absent: bool) -> None:
        with translated(self._what(full.removeprefix(self._prefix))):
            mode: obstore.PutMode = "create" if if_absent else "overwrite"
            obstore.put(self._once, full, data, mode=mode, use_multipart=False)
        self._seen = True

    def _send(self, full: str, source: "_Source") -> None:
        piece_bytes = max(_PIECE_BYTES, -(-source.size // _MOST_PIECES))

        def put(pieces: Iterator[bytes]) -> None:
            with translated(self._what(source.name)):
                obstore.put(
                    self._patient,
                    full,
                    pieces,
                    use_multipart=True,
                    chunk_size=piece_bytes,
                    max_concurrency=_PIECES,
                )

        piped(source, put)

    def _copy(self, beside: str, full: str) -> None:
        with translated(self._what(full.removeprefix(self._prefix))):
            obstore.copy(self._once, beside, full, overwrite=False)

    def _delete(self, full: str) -> None:
        with (
            suppress(ObjectMissingError),
            translated(self._what(full.removeprefix(self._prefix))),
        ):
            obstore.delete(self._once, full)

    def _asked(self, key: str, start: int, length: int | None) -> "obstore.GetResult | None":
        """What begins with the range's bytes; None where there are none."""
        full = self._key(key)
        if length == 0:
            self.size(key)
            return None
        options: obstore.GetOptions = {}
        if length is not None:
            options["range"] = (start, start + length)
        elif start:
            options["range"] = {"offset": start}
        with suppress(PastTheEndError), translated(self._what(key)):
            return obstore.get(self._once, full, options=options)
        return None

    def _listed(self, prefix: str) -> Iterator[Listed]:
        folder = (self._prefix + prefix).rpartition("/")[0]
        with translated(self.url):
            for page in obstore.list(self._once, folder or None, chunk_size=_LIST_PAGE):
                for item in page:
                    key = item["path"].removeprefix(self._prefix)
                    if key.startswith(prefix) and not key.startswith(_BESIDE):
                        yield Listed(key, int(item["size"]))

    def _holds(self, key: str) -> bool:
        try:
            self._patience.persist(lambda: self.size(key))
        except ObjectMissingError:
            return False
        return True

    def _sweep(self) -> None:
        """Remove what writers that were killed left, once a process."""
        if self._swept:
            return
        self._swept = True
        folder, now = f"{self._prefix}{_BESIDE}".rstrip("/"), datetime.now(UTC)
        with suppress(StoreError), translated(self.url):
            for page in obstore.list(self._once, folder):
                for item in page:
                    if now - item["last_modified"] > _STALE:
                        self._delete(item["path"])


class _Source:
    """A stream that must have `size` bytes."""

    def __init__(self, name: str, chunks: Iterable[bytes], size: int) -> None:
        self.name, self.size = name, size
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        come = 0
        for chunk in self._chunks:
            come += len(chunk)
            if come > self.size:
                break
            if chunk:
                yield chunk
        if come != self.size:
            raise StoreError(f"{self.name}: {self.size} bytes were announced, {come} came")
