"""S3's storage classes: asked about, moved to by copying an object onto itself, restored from.

Each request is made once.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from cryoem_cloud.model.checks import CRC32C
from cryoem_cloud.model.errors import (
    ArchivedError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnreachableError,
)
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Kept, Reach
from cryoem_cloud.ports.parts import MOST_PART_BYTES, SentPart
from cryoem_cloud.stores.lawful import lawful
from cryoem_cloud.stores.s3.bucket import Bucket
from cryoem_cloud.stores.s3.faults import TO_RESTORE, NeedlessError
from cryoem_cloud.stores.s3.place import refused
from cryoem_cloud.stores.s3.uploads import S3Parts
from cryoem_cloud.stores.s3.wire import Answer
from cryoem_cloud.stores.s3.xml import Element, parsed

__all__ = ["S3Classes"]

_CLASS = "x-amz-storage-class"
_COPIED_BYTES = 1024**3
"""Of a part of a copy, at least; so that 9,500 of them are enough, more."""
_MOST_PARTS = 9_500
_TO_RESTORE = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_ONGOING = re.compile(r'ongoing-request="(true|false)"')
_EXPIRY = re.compile(r'expiry-date="([^"]*)"')

Pages = Callable[[str], Iterator[tuple[str, Element]]]
"""Of a prefix, the keys that start with it, and what a listing says of each."""


class S3Classes:
    """Classes of a bucket's objects.

    What is above `most_bytes` is copied in parts of `part_bytes`.
    """

    def __init__(
        self,
        bucket: Bucket,
        parts: S3Parts,
        pages: Pages,
        *,
        most_bytes: int = MOST_PART_BYTES,
        part_bytes: int = _COPIED_BYTES,
    ) -> None:
        self._bucket = bucket
        self._parts = parts
        self._pages = pages
        self._most_bytes = most_bytes
        self._part_bytes = part_bytes

    def kept(self, key: str) -> Kept:
        """See the port."""
        with self._bucket.ask("HEAD", key) as answer:
            said = answer.headers
            word = said.get(_CLASS) or StorageClass.STANDARD.value
            restoring = said.get("x-amz-restore", "")
            until = _EXPIRY.search(restoring)
            return Kept(
                key=key,
                size=int(said["content-length"]),
                word=word,
                tag=said.get("etag", ""),
                reach=_reach(word, said.get("x-amz-archive-status", ""), restoring),
                until=until[1] if until else "",
            )

    def list(self, prefix: str) -> Iterator[Kept]:
        """See the port."""
        for key, item in self._pages(prefix):
            word = item.said("StorageClass") or StorageClass.STANDARD.value
            yield Kept(
                key=key,
                size=item.number("Size"),
                word=word,
                tag=item.said("ETag"),
                reach=_reach(word, "", ""),
                at=_instant(item.said("LastModified")),
            )

    def move(self, key: str, to: StorageClass, *, tag: str) -> None:
        """See the port; in parts where one request cannot copy so much."""
        found = self.kept(key)
        if found.reach in {Reach.ARCHIVED, Reach.RESTORING}:
            raise ArchivedError(f"{self._bucket.url}: {key} is archived", hint=TO_RESTORE)
        if found.tag != tag:
            raise ObjectExistsError(f"{self._bucket.url}: {key} has other bytes by now")
        if found.word == to.value:  # S3 refuses a copy that changes nothing
            return
        source = {
            "x-amz-copy-source": quote(f"/{self._bucket.name}/{self._bucket.prefix}{lawful(key)}"),
            "x-amz-copy-source-if-match": tag,
        }
        if found.size > self._most_bytes:
            self._move_in_parts(key, to, source, found.size)
            return
        headers = {**source, _CLASS: to.value, "x-amz-metadata-directive": "COPY"}
        with self._bucket.ask("PUT", key, headers=headers) as answer:
            _granted(answer)

    def restore(self, key: str, *, days: int, bulk: bool) -> None:
        """See the port."""
        tier = "Bulk" if bulk else "Standard"
        root = '<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        job = f"<GlacierJobParameters><Tier>{tier}</Tier></GlacierJobParameters>"
        body = f"{root}<Days>{days}</Days>{job}</RestoreRequest>".encode()
        headers = {"Content-Type": "application/xml"}
        try:
            with self._bucket.ask("POST", key, "restore=", headers=headers, signed=body) as answer:
                answer.read()
        except NeedlessError:
            return
        except ArchivedError:  # S3's word for a class from which nothing is restored
            if self.kept(key).reach is not Reach.READABLE:
                raise

    def _move_in_parts(
        self, key: str, to: StorageClass, source: Mapping[str, str], size: int
    ) -> None:
        """The object is the old one until all parts are there.

        Its checksum is then one of the whole, however it was cut before.
        """
        more = {_CLASS: to.value, "x-amz-checksum-type": "FULL_OBJECT"}
        upload = self._parts.begin(key, more)
        try:
            sent = [
                self._copied(key, part, {**source, "x-amz-copy-source-range": span})
                for part, span in _cut(upload, size, self._part_bytes)
            ]
            self._parts.complete(key, upload, sent, tag=source["x-amz-copy-source-if-match"])
        except ObjectMissingError as error:
            self.kept(key)  # unless the object is gone, it is the upload
            raise StoreUnreachableError(f"{key} could not be moved to {to.value}") from error
        except BaseException:
            self._parts.abort(key, upload)
            raise

    def _copied(self, key: str, part: "_Part", headers: Mapping[str, str]) -> SentPart:
        with self._bucket.ask("PUT", key, part.query, headers=headers) as answer:
            said = _granted(answer)
        word, tag = said.said("ChecksumCRC32C"), said.said("ETag").strip('"')
        check = CRC32C + word if word else ""
        return SentPart(number=part.number, size=part.size, tag=tag, check=check)


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    size: int
    query: str


def _cut(upload: str, size: int, part_bytes: int) -> Iterator[tuple[_Part, str]]:
    """The parts of a copy of so many bytes, and their ranges."""
    length = max(part_bytes, -(-size // _MOST_PARTS))
    for number, start in enumerate(range(0, size, length), start=1):
        end = min(size, start + length)
        query = f"partNumber={number}&uploadId={quote(upload, safe='-._~')}"
        yield _Part(number, end - start, query), f"bytes={start}-{end - 1}"


def _granted(answer: Answer) -> Element:
    """What a copy was answered; S3 may find an error after it has sent the status."""
    said = parsed(answer.read())
    if said.name == "Error":
        raise refused(HTTPStatus.INTERNAL_SERVER_ERROR, answer.headers, said)
    return said


def _instant(said: str) -> datetime | None:
    """As `2026-01-02T03:04:05.000Z` says it; None for what does not."""
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _reach(word: str, status: str, restoring: str) -> Reach:
    """`status` is that of S3's intelligent class, which archives by itself."""
    if word not in _TO_RESTORE and not status:
        return Reach.READABLE
    found = _ONGOING.search(restoring)
    if found is None:
        return Reach.ARCHIVED
    return Reach.RESTORING if found[1] == "true" else Reach.RESTORED
