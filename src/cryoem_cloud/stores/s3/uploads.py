"""Uploads in parts, and ranges into buffers, over connections of our own. See `ports.parts`.

Each request is made once. A part carries its CRC32C, which the server compares before it stores it,
and once more when the parts are put together.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from cryoem_cloud.model.checks import CRC32C, crc32c_of
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectMissingError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.parts import MOST_PARTS, BrokenOffError, Buffer, SentPart, Take, bytes_in
from cryoem_cloud.ports.span import FileSpan
from cryoem_cloud.stores.filling import Filling, UntakenError
from cryoem_cloud.stores.s3.bucket import Bucket, require_from
from cryoem_cloud.stores.s3.faults import PastTheEndError
from cryoem_cloud.stores.s3.place import refused
from cryoem_cloud.stores.s3.xml import Element, parsed

__all__ = ["S3Parts"]


class S3Parts:
    """Parts of a bucket's objects."""

    def __init__(self, bucket: Bucket) -> None:
        self._ask = bucket.ask
        self._url = bucket.url

    def begin(self, key: str, more: Mapping[str, str] | None = None) -> str:
        """See the port; `more` headers say what else the object is to be."""
        headers = {"x-amz-checksum-algorithm": "CRC32C", **(more or {})}
        with self._ask("POST", key, "uploads=", headers=headers) as answer:
            upload = parsed(answer.read()).said("UploadId")
        if not upload:
            raise StoreUnreachableError(f"{self._url}: {key}: the upload has no name")
        return upload

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """See the port. Where the store says nothing of what it has, a file is read once more."""
        if not 1 <= number <= MOST_PARTS:
            raise StoreError(f"{self._url}: {key}: there is no part {number}")
        of_file = pieces if isinstance(pieces, FileSpan) else None
        check, size = of_file.check if of_file else crc32c_of(pieces), bytes_in(pieces)
        query = f"partNumber={number}&{_of(upload)}"
        word = check.removeprefix(CRC32C)
        headers = {"x-amz-checksum-crc32c": word}
        with self._ask("PUT", key, query, headers=headers, pieces=pieces) as answer:
            answer.read()
            tag = answer.headers.get("etag", "").strip('"')
            told = answer.headers.get("x-amz-checksum-crc32c", "")
            if told not in {"", word}:
                raise StoreUnreachableError(f"{self._url}: {key}: the store has other bytes")
        if of_file and not told:
            of_file.require_as_read()
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
        self,
        key: str,
        upload: str,
        parts: Sequence[SentPart],
        *,
        if_absent: bool = False,
        tag: str = "",
    ) -> None:
        """See the port; with a tag, only in place of the object that has it."""
        headers = {
            "Content-Type": "application/xml",
            **({"If-None-Match": "*"} if if_absent else {}),
            **({"If-Match": tag} if tag else {}),
        }
        body = _completion(parts)
        with self._ask("POST", key, _of(upload), headers=headers, signed=body) as answer:
            said = parsed(answer.read())
            if said.name == "Error":  # it was found after the status had been sent
                raise refused(HTTPStatus.INTERNAL_SERVER_ERROR, answer.headers, said)

    def abort(self, key: str, upload: str) -> None:
        """See the port."""
        with suppress(ObjectMissingError), self._ask("DELETE", key, _of(upload)) as answer:
            answer.read()

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        """See the port; one request."""
        filling = Filling(buffer, length, take)
        if not filling.length:
            with self._ask("HEAD", key) as answer:
                answer.read()
            return
        try:
            self._fill(filling, key, start)
        except UntakenError as error:
            raise error.why from error
        if missing := filling.length - filling.come:
            raise CorruptObjectError(f"{self._url}: {key} is {missing} bytes too short")

    def _fill(self, filling: Filling, key: str, start: int) -> None:
        """Give it what there is from `start` on.

        Raises:
            UntakenError: Whoever takes it fails, perhaps with what came before the store stopped.
            BrokenOffError: The store stopped; what came before was taken.
        """
        headers = {"Range": f"bytes={start}-{start + filling.length - 1}"}
        try:
            with self._ask("GET", key, headers=headers) as answer:
                require_from(answer, start, what=f"{self._url}: {key}")
                while (room := filling.room) and (more := answer.read_into(room)):
                    filling.add(more)
        except PastTheEndError:
            pass  # then nothing has come
        except StoreUnreachableError as error:
            filling.give()
            raise BrokenOffError(error, filling.come) from error


def _of(upload: str) -> str:
    return f"uploadId={quote(upload, safe='-._~')}"


def _part(said: Element) -> SentPart:
    return SentPart(
        number=said.number("PartNumber"),
        size=said.number("Size"),
        tag=said.said("ETag").strip('"'),
        check=CRC32C + check if (check := said.said("ChecksumCRC32C")) else "",
    )


def _completion(parts: Sequence[SentPart]) -> bytes:
    rows = "".join(map(_completed, parts))
    root = "CompleteMultipartUpload"
    return f'<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rows}</{root}>'.encode()


def _completed(part: SentPart) -> str:
    tag, word = escape(part.tag), escape(part.check.removeprefix(CRC32C))
    check = f"<ChecksumCRC32C>{word}</ChecksumCRC32C>" if word else ""
    return (
        f"<Part><ETag>&quot;{tag}&quot;</ETag><PartNumber>{part.number}</PartNumber>{check}</Part>"
    )
