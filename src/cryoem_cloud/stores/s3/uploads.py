"""Uploads in parts, and ranges into buffers, over connections of our own. See `ports.parts`.

Each request is made once. A part carries its CRC32 (zlib's: 4 to 7 GB/s and core), which the server
compares before it stores it, and once more when the parts are put together. Amazon joins the parts'
CRCs to one of the whole.
"""

import re
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from html import escape
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import quote
from zlib import crc32

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectMissingError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.parts import MOST_PARTS, BrokenOffError, Buffer, SentPart
from cryoem_cloud.stores.lawful import lawful
from cryoem_cloud.stores.s3.client import Access
from cryoem_cloud.stores.s3.faults import PastTheEndError, is_elsewhere, is_stale, translated
from cryoem_cloud.stores.s3.place import Place, moved, place_of, refused
from cryoem_cloud.stores.s3.wire import Answer
from cryoem_cloud.stores.s3.xml import Element, parsed

__all__ = ["S3Parts"]

_RANGE = re.compile(r"bytes (\d+)-(\d+)/")


class S3Parts:
    """Parts of a bucket's objects, whose keys begin with `prefix`. `url` names the store."""

    def __init__(self, bucket: str, prefix: str, *, access: Access, url: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._access = access
        self._url = url
        self._lock = threading.Lock()
        self._found: Place | None = None

    def begin(self, key: str) -> str:
        """See the port."""
        headers = {"x-amz-checksum-algorithm": "CRC32"}
        with self._ask("POST", key, "uploads=", headers=headers) as answer:
            upload = parsed(answer.read()).said("UploadId")
        if not upload:
            raise StoreUnreachableError(f"{self._url}: {key}: the upload has no name")
        return upload

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """See the port."""
        if not 1 <= number <= MOST_PARTS:
            raise StoreError(f"{self._url}: {key}: there is no part {number}")
        check, size = _crc32(pieces), sum(memoryview(piece).nbytes for piece in pieces)
        query = f"partNumber={number}&{_of(upload)}"
        headers = {"x-amz-checksum-crc32": check}
        with self._ask("PUT", key, query, headers=headers, pieces=pieces) as answer:
            answer.read()
            tag = answer.headers.get("etag", "").strip('"')
            if answer.headers.get("x-amz-checksum-crc32", check) != check:
                raise StoreUnreachableError(f"{self._url}: {key}: the store has other bytes")
        return SentPart(number=number, size=size, tag=tag, check=check)

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        """See the port; 1000 parts a request."""
        found: dict[int, SentPart] = {}
        after = 0
        while True:
            query = f"max-parts=1000&part-number-marker={after}&{_of(upload)}"
            with self._ask("GET", key, query) as answer:
                page = parsed(answer.read())
            found.update((part.number, part) for part in map(_part, page.all("Part")))
            last = max(found, default=0)
            if page.said("IsTruncated") != "true" or last <= after:
                return tuple(found[number] for number in sorted(found))
            after = last

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        """See the port."""
        headers = {
            "Content-Type": "application/xml",
            **({"If-None-Match": "*"} if if_absent else {}),
        }
        body = _completion(parts)
        with self._ask("POST", key, _of(upload), headers=headers, signed=body) as answer:
            said = parsed(answer.read())
            if said.name == "Error":  # it was found after the status had been sent
                raise refused(HTTPStatus.INTERNAL_SERVER_ERROR, answer.headers, said, "complete")

    def abort(self, key: str, upload: str) -> None:
        """See the port."""
        with suppress(ObjectMissingError), self._ask("DELETE", key, _of(upload)) as answer:
            answer.read()

    def read_into(self, key: str, start: int, buffer: memoryview) -> None:
        """See the port; one request."""
        view = buffer.cast("B")
        if not view:
            with self._ask("HEAD", key) as answer:
                answer.read()
            return
        come = 0
        headers = {"Range": f"bytes={start}-{start + len(view) - 1}"}
        try:
            with self._ask("GET", key, headers=headers) as answer:
                self._require_from(key, answer, start)
                while come < len(view) and (more := answer.read_into(view[come:])):
                    come += more
        except PastTheEndError:
            come = 0
        except StoreUnreachableError as error:
            raise BrokenOffError(error, come) from error
        if come < len(view):
            raise CorruptObjectError(f"{self._url}: {key} is {len(view) - come} bytes too short")

    def _require_from(self, key: str, answer: Answer, start: int) -> None:
        """That the body begins with the byte that we asked for."""
        said = _RANGE.match(answer.headers.get("content-range", "bytes 0-0/"))
        if not said or int(said[1]) != start:
            raise StoreError(
                f"{self._url}: {key}: the store gives another range than was asked for"
            )

    @contextmanager
    def _ask(
        self,
        method: str,
        key: str,
        query: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        pieces: Sequence[Buffer] = (),
        signed: bytes = b"",
    ) -> Iterator[Answer]:
        """One request, or two where we had to look again who we are, or where the bucket is."""
        whole = lawful(key, prefix=self._prefix)

        def asked(place: Place) -> AbstractContextManager[Answer]:
            return place.asked(
                method, whole, query, headers=headers or {}, pieces=pieces, signed=signed
            )

        with self._translated(key), ExitStack() as stack:
            place = self._place()
            try:
                answer = stack.enter_context(asked(place))
            except (ClientError, BotoCoreError) as error:
                other = self._instead_of(place, error)
                if other is None:
                    raise
                answer = stack.enter_context(asked(other))
            yield answer

    def _place(self) -> Place:
        made = self._access.made()
        with self._lock:
            if self._found is None or self._found.made is not made:
                self._found = place_of(made, self._bucket)
            return self._found

    def _instead_of(self, place: Place, error: ClientError | BotoCoreError) -> Place | None:
        """Where and as whom to ask once more; None if that could not help."""
        if is_stale(error):
            self._access.renewed(place.made.client)
            return self._place()
        if not is_elsewhere(error) or not (other := moved(place, self._bucket)):
            return None
        with self._lock:
            if self._found is place:
                self._found = other
        return other

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError, HTTPError, HTTPException, OSError) as error:
            raise translated(error, what=f"{self._url}: {key}") from error


def _of(upload: str) -> str:
    return f"uploadId={quote(upload, safe='-._~')}"


def _part(said: Element) -> SentPart:
    return SentPart(
        number=said.number("PartNumber"),
        size=said.number("Size"),
        tag=said.said("ETag").strip('"'),
        check=said.said("ChecksumCRC32"),
    )


def _completion(parts: Sequence[SentPart]) -> bytes:
    rows = "".join(
        f"<Part><ETag>&quot;{escape(part.tag)}&quot;</ETag><PartNumber>{part.number}</PartNumber>"
        + (f"<ChecksumCRC32>{escape(part.check)}</ChecksumCRC32>" if part.check else "")
        + "</Part>"
        for part in parts
    )
    root = "CompleteMultipartUpload"
    return f'<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rows}</{root}>'.encode()


def _crc32(pieces: Sequence[Buffer]) -> str:
    crc = 0
    for piece in pieces:
        crc = crc32(piece, crc)
    return b64encode(crc.to_bytes(4, "big")).decode()
