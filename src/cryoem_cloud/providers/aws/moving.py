"""Copies a project's part of a store to another bucket, in another region: AWS moves the bytes.

What is there already, the same, is left, so that it may be interrupted anywhere and called again.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from cryoem_cloud.model.errors import CryoemError, ProviderError
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.deleting import delete_objects

__all__ = ["Copied", "Mover", "Object", "Place", "open_jobs"]

_T = TypeVar("_T")

_AT_A_TIME = 8
"""As many as botocore keeps connections for, less some."""
_MOST_COPIED = 5 * 10**9
"""Bytes that S3 copies in one request: 5 GiB (API reference, CopyObject)."""
_JOB = re.compile(r"jobs/(\d{8})/(.+)")


@dataclass(frozen=True, slots=True)
class Object:
    """An object as a listing shows it; `etag` tells digests apart where no KMS key is used."""

    size: int
    etag: str

    @property
    def parts(self) -> int:
        """In how many parts it was sent; 0: whole."""
        _, _, parts = self.etag.partition("-")
        return int(parts) if parts.isdecimal() else 0


Listing = Mapping[str, Object]


@dataclass(frozen=True, slots=True)
class _Head:
    """What S3 knows of an object; digests by their kind and the object's parts."""

    size: int
    digests: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Place:
    """A project's part of a store; `prefix` ends with a `/`."""

    calls: Calls
    bucket: str
    prefix: str


@dataclass(slots=True)
class Copied:
    """What was done, counted: requests of all kinds, and what was found the same and how."""

    requests: int = 0
    objects: int = 0
    bytes: int = 0
    by_size: int = 0
    """Those of which S3 keeps no digest that can be compared: their sizes agree."""
    _lock: Lock = field(default_factory=Lock)

    def count(
        self, *, requests: int = 0, objects: int = 0, size: int = 0, by_size: int = 0
    ) -> None:
        """Add to it; thread-safe."""
        with self._lock:
            self.requests += requests
            self.objects += objects
            self.bytes += size
            self.by_size += by_size


def open_jobs(names: Listing) -> tuple[int, ...]:
    """The project's jobs that have not ended, by their keys."""
    found = [match for match in map(_JOB.fullmatch, names) if match]
    begun = {int(match[1]) for match in found if match[2] == "job.json"}
    ended = {int(match[1]) for match in found if match[2] == "end"}
    return tuple(sorted(begun - ended))


@dataclass(frozen=True, slots=True)
class Mover:
    """From one place to another; both in one account. `kept` are names that stay where they are.

    `part_bytes` says in parts of which size an object of a size was sent.
    """

    source: Place
    target: Place
    part_bytes: Callable[[int], int]
    kept: frozenset[str] = frozenset()
    done: Copied = field(default_factory=Copied)
    seen_alike: set[str] = field(default_factory=set)
    """Of which S3 shows other digests in listings, and which were found to be the same."""

    def listed(self, place: Place) -> dict[str, Object]:
        """What is there, by its key below the place."""
        found = {}
        pages = place.calls.pages(
            "s3", "list_objects_v2", "Contents", Bucket=place.bucket, Prefix=place.prefix
        )
        for number, each in enumerate(pages):
            self.done.count(requests=number % 1000 == 0)
            name = str(each["Key"]).removeprefix(place.prefix)
            if name not in self.kept:
                found[name] = Object(int(each["Size"]), str(each["ETag"]).strip('"'))
        return found

    def missing(self, here: Listing, there: Listing) -> dict[str, Object]:
        """What is to be copied: all that is not there, or not the same."""
        differing = {name for name in here if here[name] != there.get(name)} - self.seen_alike
        doubtful = sorted(n for n in differing & there.keys() if here[n].size == there[n].size)
        alike = self._each(doubtful, self._alike)
        self.seen_alike.update(n for n, a in zip(doubtful, alike, strict=True) if a)
        return {name: here[name] for name in sorted(differing - self.seen_alike)}

    def copy(self, wanted: Listing, *, told: Callable[[Copied], None]) -> None:
        """Copy these, each verified; `told` hears how far it is.

        Raises:
            ProviderError: One does not come over as it is; or AWS refuses.
        """

        def one(name: str) -> None:
            self._copy(name, wanted[name])
            told(self.done)

        self._each(sorted(wanted), one)

    def delete_source(self, names: Listing) -> None:
        """See to it that these are no more where they were."""
        keys = ({"Key": self.source.prefix + name} for name in sorted(names))
        delete_objects(self.source.bucket, keys, partial(self._ask, self.source, "delete_objects"))

    def _copy(self, name: str, wanted: Object) -> None:
        whole = not wanted.parts and wanted.size <= _MOST_COPIED
        etag = self._whole(name, wanted) if whole else self._in_parts(name, wanted)
        by_size = False
        if etag != wanted.etag:
            alike = self._alike(name)
            if alike is False:
                raise ProviderError(
                    f"{name} has not come over as it is", hint="call it again: it is copied anew"
                )
            self.seen_alike.add(name)
            by_size = alike is None
        self.done.count(objects=1, size=wanted.size, by_size=by_size)

    def _whole(self, name: str, wanted: Object) -> str:
        answer = self._ask(
            self.target,
            "copy_object",
            Key=self.target.prefix + name,
            CopySource=self._source(name),
            CopySourceIfMatch=f'"{wanted.etag}"',
        )
        return str(answer["CopyObjectResult"]["ETag"]).strip('"')

    def _in_parts(self, name: str, wanted: Object) -> str:
        """As it was sent, so that its digest of digests is the same."""
        key = self.target.prefix + name
        begun = self._ask(
            self.target, "create_multipart_upload", Key=key, ChecksumAlgorithm="CRC32"
        )
        upload = {"Key": key, "UploadId": begun["UploadId"]}
        try:
            parts = [
                self._part(name, wanted, upload, number=number, span=span)
                for number, span in enumerate(self._spans(wanted.size), start=1)
            ]
            answer = self._ask(
                self.target,
                "complete_multipart_upload",
                MultipartUpload={"Parts": parts},
                **upload,
            )
        except BaseException:
            with suppress(CryoemError):  # the first error is the one to tell
                self._ask(self.target, "abort_multipart_upload", **upload)
            raise
        return str(answer["ETag"]).strip('"')

    def _part(
        self,
        name: str,
        wanted: Object,
        upload: Mapping[str, Any],
        *,
        number: int,
        span: tuple[int, int],
    ) -> dict[str, Any]:
        result = self._ask(
            self.target,
            "upload_part_copy",
            PartNumber=number,
            CopySource=self._source(name),
            CopySourceIfMatch=f'"{wanted.etag}"',
            CopySourceRange=f"bytes={span[0]}-{span[1] - 1}",
            **upload,
        )["CopyPartResult"]
        told = {key: result[key] for key in ("ETag", "ChecksumCRC32") if key in result}
        return {"PartNumber": number, **told}

    def _alike(self, name: str) -> bool | None:
        """Whether both are the same, by all that S3 knows; None where only the sizes can tell."""
        ours, theirs = (self._head(place, name) for place in (self.source, self.target))
        if ours.size != theirs.size:
            return False
        both = ours.digests.keys() & theirs.digests.keys()
        if both:
            return all(ours.digests[kind] == theirs.digests[kind] for kind in both)
        return None

    def _head(self, place: Place, name: str) -> _Head:
        head = self._ask(place, "head_object", Key=place.prefix + name, ChecksumMode="ENABLED")
        digests: dict[tuple[str, str], str] = {}
        for kind in ("ChecksumCRC32", "ChecksumCRC64NVME"):
            if kind in head:
                digests[kind, _layout(head[kind])] = str(head[kind])
        if not str(head.get("ServerSideEncryption", "")).startswith("aws:kms"):
            etag = str(head["ETag"]).strip('"')
            digests["ETag", _layout(etag)] = etag
        return _Head(int(head["ContentLength"]), digests)

    def _source(self, name: str) -> dict[str, str]:
        return {"Bucket": self.source.bucket, "Key": self.source.prefix + name}

    def _ask(self, place: Place, action: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401
        self.done.count(requests=1)
        return place.calls.ask("s3", action, Bucket=place.bucket, **asked)

    def _spans(self, size: int) -> Iterator[tuple[int, int]]:
        for start in range(0, size, self.part_bytes(size)):
            yield start, min(start + self.part_bytes(size), size)

    def _each(self, names: list[str], do: Callable[[str], _T]) -> list[_T]:
        """Do it for each, some at a time; what goes wrong ends it."""
        with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="copy") as pool:
            try:
                return list(pool.map(do, names))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _layout(digest: str) -> str:
    """In how many parts an object was sent, as a digest of digests tells; "": whole."""
    return digest.partition("-")[2]
