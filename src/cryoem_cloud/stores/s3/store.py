"""Objects in an S3 bucket, below a prefix.

Put-if-absent is `If-None-Match: *`, on single puts and on the completion of uploads in parts. Every
body carries its CRC32, so that the server refuses one that was damaged on its way.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from urllib.parse import quote, unquote_plus

from cryoem_cloud.model.checks import CRC32C, crc32_of, is_of_parts
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
)
from cryoem_cloud.ports.meter import UNMETERED, Meter
from cryoem_cloud.ports.store import CHUNK_BYTES, Listed, Properties, Told
from cryoem_cloud.stores.lawful import lawful
from cryoem_cloud.stores.patient import Patience, PatientParts
from cryoem_cloud.stores.s3.bucket import Bucket, require_from
from cryoem_cloud.stores.s3.classes import S3Classes
from cryoem_cloud.stores.s3.faults import PastTheEndError
from cryoem_cloud.stores.s3.identity import Access
from cryoem_cloud.stores.s3.parts import part_bytes, parts_of, put_parts
from cryoem_cloud.stores.s3.uploads import S3Parts
from cryoem_cloud.stores.s3.wire import Answer
from cryoem_cloud.stores.s3.xml import Element, parsed

__all__ = ["S3Store"]

_CHECKSUM, _CHECKSUM_MODE = "x-amz-checksum-crc32", "x-amz-checksum-mode"
_CHECKSUM_OF_PARTS = "x-amz-checksum-crc32c"
_RECORD_BYTES = 128 * 1024
"""Up to here a body is hashed for its signature, so that nobody on the way can put another."""
_CHECKSUM_TYPE = "x-amz-checksum-type"


class S3Store:
    """A bucket's objects below `prefix` ("" for all). Each request is made once."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        access: Access,
        patience: Patience,
        meter: Meter = UNMETERED,
    ) -> None:
        self._prefix = f"{prefix}/" if prefix else ""
        self._access = access
        self._patience = patience
        url = f"s3://{bucket}/{self._prefix}".rstrip("/")
        self._bucket = Bucket(bucket, self._prefix, access=access, url=url, meter=meter)
        self._parts = S3Parts(self._bucket)
        self._classes = S3Classes(self._bucket, self._parts, self._listed)

    @property
    def url(self) -> str:
        """`s3://bucket/prefix`."""
        return self._bucket.url

    @property
    def properties(self) -> Properties:
        """Elsewhere, without clones; Amazon's own costs money."""
        return Properties(local=False, clones=False, sold_by=self._access.sold_by)

    @property
    def parts(self) -> S3Parts:
        """See the port."""
        return self._parts

    @property
    def classes(self) -> S3Classes:
        """See the port."""
        return self._classes

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        headers = {_CHECKSUM: crc32_of([data]), **({"If-None-Match": "*"} if if_absent else {})}
        is_record = len(data) <= _RECORD_BYTES
        with self._bucket.ask(
            "PUT",
            key,
            headers=headers,
            signed=data if is_record else b"",
            pieces=() if is_record else (data,),
        ) as answer:
            answer.read()

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port; what is above 16 MiB goes in parts, of which a few are in memory."""
        lawful(key)
        parts = parts_of(key, chunks, size=size)
        if size <= part_bytes(size):
            data = b"".join(chain.from_iterable(parts))
            self._patience.persist(lambda: self.put(key, data, if_absent=if_absent))
            return
        if if_absent and self._holds(key):  # before anything large is sent in vain
            raise ObjectExistsError(f"{self.url}: {key} exists already")
        patient = PatientParts(self._parts, self._patience, self.size)
        put_parts(patient, key, parts, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        with self._body(key, start, length) as answer:
            if answer is None:
                return b""
            data = b"".join(_pieces(answer))
            if not _is_promised(data, answer.headers.get(_CHECKSUM, "")):
                raise CorruptObjectError(f"{self.url}: {key} is not what was stored")
            return data

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        come = 0
        with self._body(key, start, length) as answer:
            for piece in _pieces(answer) if answer else ():
                come += len(piece)
                yield piece
        if length is not None and come < length:
            raise CorruptObjectError(f"{self.url}: {key} is {length - come} bytes too short")

    def size(self, key: str) -> int:
        """See the port."""
        return self._head(key, {}).size

    def told(self, key: str) -> Told:
        """See the port."""
        return self._head(key, {_CHECKSUM_MODE: "ENABLED"})

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        for key, item in self._listed(prefix, after):
            yield Listed(key, item.number("Size"))

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        found = {
            _name(page, item.said("Prefix")).removeprefix(self._prefix + prefix).rstrip("/")
            for page in self._pages(prefix, delimiter="/")
            for item in page.all("CommonPrefixes")
        }
        yield from sorted(found, key=str.encode)

    def delete(self, key: str) -> None:
        """See the port."""
        with suppress(ObjectMissingError), self._bucket.ask("DELETE", key) as answer:
            answer.read()

    def clone_in(self, path: Path, key: str) -> bool:  # noqa: ARG002  (the port's names)
        """See the port; never possible here."""
        return False

    def clone_out(self, key: str, path: Path) -> bool:  # noqa: ARG002  (the port's names)
        """See the port; never possible here."""
        return False

    def _head(self, key: str, headers: Mapping[str, str]) -> Told:
        try:
            with self._bucket.ask("HEAD", key, headers=headers) as answer:
                said = answer.headers
                return Told(int(said["content-length"]), _kept(said))
        except ObjectMissingError:
            if not self._bucket.is_there:  # a HEAD has no body that could tell which is missing
                self._page({"max-keys": "1"})
            raise

    @contextmanager
    def _body(self, key: str, start: int, length: int | None) -> Iterator[Answer | None]:
        """What begins with the range's bytes; None where there are none."""
        if length == 0:
            self.size(key)
            yield None
            return
        last = "" if length is None else start + length - 1
        whole = start == 0 and length is None
        headers = {_CHECKSUM_MODE: "ENABLED"} if whole else {"Range": f"bytes={start}-{last}"}
        with ExitStack() as stack:
            try:
                answer = stack.enter_context(self._bucket.ask("GET", key, headers=headers))
            except PastTheEndError:
                yield None
                return
            require_from(answer, start, what=f"{self.url}: {key}")
            yield answer

    def _listed(self, prefix: str, after: str = "") -> Iterator[tuple[str, Element]]:
        start = {"start-after": self._prefix + after} if after else {}
        for page in self._pages(prefix, **start):
            for item in page.all("Contents"):
                key = _name(page, item.said("Key")).removeprefix(self._prefix)
                if key.encode() > after.encode():
                    yield key, item

    def _pages(self, prefix: str, **asked: str) -> Iterator[Element]:
        asked["prefix"] = self._prefix + prefix
        while True:
            page = self._page(asked)
            yield page
            if page.said("IsTruncated") != "true":
                return
            token = page.said("NextContinuationToken")
            if not token or token == asked.get("continuation-token"):
                raise StoreError(f"{self.url}: the store's listing breaks off")
            asked["continuation-token"] = token

    def _page(self, asked: Mapping[str, str]) -> Element:
        """A page of the listing; keys are encoded, as XML cannot say every one."""
        words = {"list-type": "2", "encoding-type": "url", **asked}
        below = asked.get("prefix", "").removeprefix(self._prefix)
        query = "&".join(f"{name}={quote(word, safe='-._~')}" for name, word in words.items())
        with self._bucket.ask("GET", None, query, below=below) as answer:
            return parsed(answer.read())

    def _holds(self, key: str) -> bool:
        try:
            self._patience.persist(lambda: self.size(key))
        except ObjectMissingError:
            return False
        return True


def _name(page: Element, said: str) -> str:
    """A key or a part of one, if the page has them encoded as it was asked to."""
    return unquote_plus(said) if page.said("EncodingType") == "url" else said


def _pieces(answer: Answer) -> Iterator[bytes]:
    return iter(lambda: answer.read_piece(CHUNK_BYTES), b"")


def _kept(said: Mapping[str, str]) -> str:
    """The checksum that a server has kept; "" where it is of parts and does not say of how many."""
    of_parts = said.get(_CHECKSUM_OF_PARTS, "")
    check = CRC32C + of_parts if of_parts else said.get(_CHECKSUM, "")
    came_in_parts = "-" in said.get("etag", "")
    whole = not came_in_parts or said.get(_CHECKSUM_TYPE) == "FULL_OBJECT"
    return check if whole or is_of_parts(check) else ""


def _is_promised(data: bytes, checksum: str) -> bool:
    """Whether the bytes have the checksum, if it is one of the whole and not of its parts'."""
    return not checksum or is_of_parts(checksum) or checksum == crc32_of([data])
