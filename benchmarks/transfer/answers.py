"""What the null sink answers: as much of S3's language as s5cmd, rclone, obstore and we speak.

Nothing is checked, neither signatures nor checksums: the clients are measured, not a server.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import count
from time import gmtime, strftime
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from benchmarks.transfer.objects import Bucket, Held, Page, Part, Piece, Upload, cut, size_of

__all__ = ["Reply", "Request", "Service", "plain"]

_XML = {"Content-Type": "application/xml"}
_MOST_KEYS = 1000
_MD5_OF_WHAT_IS_GONE = "x-amz-meta-md5chksum"
_KEPT_HEADERS = ("x-amz-meta-", "x-amz-checksum-")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked; names of headers are small letters."""

    method: str
    bucket: str
    key: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `start` is where in its object the body begins."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: tuple[Piece, ...] = ()
    start: int = 0


def plain(pieces: Iterable[Piece]) -> bytes:
    """A kept body's bytes."""
    return b"".join(piece for piece in pieces if isinstance(piece, bytes))


class Service:
    """Answers requests one after the other; `clock` gives seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._numbers = count(1)

    def answer(self, request: Request) -> Reply:
        """The answer, after which the sink is as was asked."""
        if not request.bucket:
            return _xml("<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>")
        bucket = self._buckets.setdefault(request.bucket, Bucket())
        if not request.key:
            return self._of_bucket(bucket, request)
        answers = {
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
            "GET": self._get,
            "HEAD": self._get,
        }
        answer = answers.get(request.method)
        return answer(bucket, request) if answer else _error(405, "MethodNotAllowed")

    def _of_bucket(self, bucket: Bucket, request: Request) -> Reply:
        query = request.query
        if request.method == "POST" and "delete" in query:
            text = plain(request.body).decode()
            for key in re.findall("<Key>(.*?)</Key>", text):
                bucket.remove(_unescaped(key))
            return _xml("<DeleteResult/>")
        if request.method != "GET":
            return Reply()
        if "location" in query:
            return _xml("<LocationConstraint/>")
        if "versioning" in query:
            return _xml("<VersioningConfiguration/>")
        if "uploads" in query:
            return _uploads(bucket, query.get("prefix", ""))
        return _listing(bucket, request)

    def _put(self, bucket: Bucket, request: Request) -> Reply:
        source = request.headers.get("x-amz-copy-source", "")
        if source:
            return self._copy(bucket, request, source)
        etag = f'"{next(self._numbers):032x}-1"'  # no MD5, and does not look like one
        checksums = _starting(request.headers, "x-amz-checksum-")
        if "uploadId" in request.query:
            upload = bucket.uploads.get(request.query["uploadId"])
            if upload is None:
                return _error(404, "NoSuchUpload")
            number = int(request.query["partNumber"])
            upload.parts[number] = Part(request.body, etag, checksums)
            return Reply(headers={"ETag": etag, **checksums})
        if refused := _unmet(bucket, request):
            return refused
        headers = _starting(request.headers, *_KEPT_HEADERS)
        bucket.put(request.key, Held(request.body, etag, self._clock(), headers))
        return Reply(headers={"ETag": etag, **checksums})

    def _copy(self, bucket: Bucket, request: Request, source: str) -> Reply:
        name, _, key = unquote(source).lstrip("/").partition("/")
        held = self._buckets.get(name, Bucket()).objects.get(key)
        if held is None:
            return _error(404, "NoSuchKey")
        headers = dict(held.headers)
        if request.headers.get("x-amz-metadata-directive") == "REPLACE":
            headers = _starting(request.headers, *_KEPT_HEADERS)
        now_s = self._clock()
        bucket.put(request.key, Held(held.body, held.etag, now_s, headers))
        said = f"<ETag>{escape(held.etag)}</ETag><LastModified>{_iso(now_s)}</LastModified>"
        return _xml(f"<CopyObjectResult>{said}</CopyObjectResult>")

    def _post(self, bucket: Bucket, request: Request) -> Reply:
        names = f"<Bucket>{request.bucket}</Bucket><Key>{escape(request.key)}</Key>"
        if "uploads" in request.query:
            name = f"upload-{next(self._numbers)}"
            headers = _starting(request.headers, "x-amz-meta-")
            bucket.uploads[name] = Upload(request.key, headers)
            named = f"{names}<UploadId>{name}</UploadId>"
            return _xml(f"<InitiateMultipartUploadResult>{named}</InitiateMultipartUploadResult>")
        upload = bucket.uploads.get(request.query.get("uploadId", ""))
        if upload is None:
            return _error(404, "NoSuchUpload")
        numbers = re.findall(r"<PartNumber>\s*(\d+)\s*</PartNumber>", plain(request.body).decode())
        if not numbers or not {int(each) for each in numbers} <= upload.parts.keys():
            return _error(400, "InvalidPart")
        if refused := _unmet(bucket, request):
            return refused
        del bucket.uploads[request.query["uploadId"]]
        etag = f'"{next(self._numbers):032x}-{len(numbers)}"'
        body = tuple(piece for each in numbers for piece in upload.parts[int(each)].body)
        bucket.put(request.key, Held(body, etag, self._clock(), upload.headers))
        named = f"{names}<ETag>{escape(etag)}</ETag>"
        return _xml(f"<CompleteMultipartUploadResult>{named}</CompleteMultipartUploadResult>")

    def _delete(self, bucket: Bucket, request: Request) -> Reply:
        if "uploadId" in request.query:
            gone = bucket.uploads.pop(request.query["uploadId"], None)
            return Reply(204) if gone else _error(404, "NoSuchUpload")
        bucket.remove(request.key)
        return Reply(204)

    def _get(self, bucket: Bucket, request: Request) -> Reply:
        if "uploadId" in request.query:
            return _parts(bucket, request)
        held = bucket.objects.get(request.key)
        if held is None:
            return _error(404, "NoSuchKey")
        if request.headers.get("if-none-match") in {held.etag, "*"}:
            return Reply(304, {"ETag": held.etag})
        if request.headers.get("if-match", held.etag) not in {held.etag, "*"}:
            return _error(412, "PreconditionFailed")
        return _object(held, request)


def _object(held: Held, request: Request) -> Reply:
    size = size_of(held.body)
    checksums = "x-amz-checksum-" if request.method == "HEAD" else "x-amz-meta-"
    headers = {
        "ETag": held.etag,
        "Last-Modified": formatdate(held.modified_s, usegmt=True),
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
        **_starting(held.headers, "x-amz-meta-", checksums),
    }
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None:
        return Reply(200, headers, held.body)
    first, last = asked.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return _error(416, "InvalidRange")
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Reply(206, headers, tuple(cut(held.body, start, end - start + 1)), start)


def _unmet(bucket: Bucket, request: Request) -> Reply | None:
    """The refusal, where a condition of a write is not fulfilled."""
    held = bucket.objects.get(request.key)
    if request.headers.get("if-none-match") == "*" and held:
        return _error(412, "PreconditionFailed")
    wanted = request.headers.get("if-match")
    if wanted and (held is None or held.etag != wanted):
        return _error(412, "PreconditionFailed")
    return None


def _listing(bucket: Bucket, request: Request) -> Reply:
    query = request.query
    starts = ("continuation-token", "start-after", "marker")
    page = bucket.page(
        query.get("prefix", ""),
        after=next((query[name] for name in starts if query.get(name)), ""),
        delimiter=query.get("delimiter", ""),
        most=min(_MOST_KEYS, int(query.get("max-keys") or _MOST_KEYS)),
    )
    as_url = query.get("encoding-type") == "url"
    coded = quote if as_url else escape
    coding = "<EncodingType>url</EncodingType>" if as_url else ""
    rows = [
        f"<Contents><Key>{coded(key)}</Key><LastModified>{_iso(held.modified_s)}</LastModified>"
        f"<ETag>{escape(held.etag)}</ETag><Size>{size_of(held.body)}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for key in page.keys
        for held in (bucket.objects[key],)
    ]
    rows += [
        f"<CommonPrefixes><Prefix>{coded(folder)}</Prefix></CommonPrefixes>"
        for folder in page.folders
    ]
    return _xml(
        f"<ListBucketResult><Name>{request.bucket}</Name>{coding}"
        f"{_more(page, coded)}{''.join(rows)}</ListBucketResult>"
    )


def _more(page: Page, coded: Callable[[str], str]) -> str:
    many = (
        f"<KeyCount>{len(page.keys) + len(page.folders)}</KeyCount><MaxKeys>{_MOST_KEYS}</MaxKeys>"
    )
    if not page.after:
        return f"{many}<IsTruncated>false</IsTruncated>"
    return (
        f"{many}<IsTruncated>true</IsTruncated>"
        f"<NextContinuationToken>{escape(page.after)}</NextContinuationToken>"
        f"<NextMarker>{coded(page.after)}</NextMarker>"
    )


def _uploads(bucket: Bucket, prefix: str) -> Reply:
    rows = "".join(
        f"<Upload><Key>{escape(upload.key)}</Key><UploadId>{name}</UploadId></Upload>"
        for name, upload in bucket.uploads.items()
        if upload.key.startswith(prefix)
    )
    return _xml(
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
        f"{rows}</ListMultipartUploadsResult>"
    )


def _parts(bucket: Bucket, request: Request) -> Reply:
    upload = bucket.uploads.get(request.query["uploadId"])
    if upload is None:
        return _error(404, "NoSuchUpload")
    after = int(request.query.get("part-number-marker") or 0)
    most = min(_MOST_KEYS, int(request.query.get("max-parts") or _MOST_KEYS))
    numbers = sorted(number for number in upload.parts if number > after)
    shown, truncated = numbers[:most], len(numbers) > most
    rows = "".join(_part(number, upload.parts[number]) for number in shown)
    marker = f"<NextPartNumberMarker>{shown[-1]}</NextPartNumberMarker>" if truncated else ""
    return _xml(
        f"<ListPartsResult><IsTruncated>{str(truncated).lower()}</IsTruncated>{marker}{rows}"
        "</ListPartsResult>"
    )


def _part(number: int, part: Part) -> str:
    checksums = "".join(
        f"<Checksum{name}>{escape(value)}</Checksum{name}>"
        for header, value in part.checksums.items()
        for name in (header.removeprefix("x-amz-checksum-").upper(),)
    )
    return (
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(part.etag)}</ETag>"
        f"<Size>{size_of(part.body)}</Size>{checksums}</Part>"
    )


def _starting(headers: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    """Those headers, but what rclone says of bytes that the sink forgets."""
    return {
        name: value
        for name, value in headers.items()
        if name.startswith(prefixes) and name != _MD5_OF_WHAT_IS_GONE
    }


def _iso(at_s: float) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S.000Z", gmtime(at_s))


def _unescaped(text: str) -> str:
    return (
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    )


def _xml(text: str) -> Reply:
    return Reply(200, _XML, (f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode(),))


def _error(status: int, code: str) -> Reply:
    return Reply(status, _XML, (f"<Error><Code>{code}</Code></Error>".encode(),))
