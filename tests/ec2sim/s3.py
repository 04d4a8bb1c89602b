"""S3's calls as faults name them, and how S3 says that it refuses one. All else of S3 is moto's."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from tests.ec2sim.refusals import Refusal

__all__ = ["operation_of", "refused"]

# By method and what the query has, for objects and for buckets; the first that fits.
_OBJECTS = (
    ("PUT", "partNumber", "UploadPart"),
    ("PUT", "tagging", "PutObjectTagging"),
    ("PUT", "", "PutObject"),
    ("GET", "uploadId", "ListParts"),
    ("GET", "", "GetObject"),
    ("HEAD", "", "HeadObject"),
    ("DELETE", "uploadId", "AbortMultipartUpload"),
    ("DELETE", "", "DeleteObject"),
    ("POST", "uploads", "CreateMultipartUpload"),
    ("POST", "uploadId", "CompleteMultipartUpload"),
)
_BUCKETS = (
    ("GET", "list-type", "ListObjectsV2"),
    ("GET", "location", "GetBucketLocation"),
    ("GET", "uploads", "ListMultipartUploads"),
    ("GET", "versions", "ListObjectVersions"),
    ("HEAD", "", "HeadBucket"),
    ("PUT", "", "CreateBucket"),
    ("DELETE", "", "DeleteBucket"),
    ("POST", "delete", "DeleteObjects"),
)
_STATUS: Mapping[str, int] = {
    "AccessDenied": HTTPStatus.FORBIDDEN,
    "InternalError": HTTPStatus.INTERNAL_SERVER_ERROR,
    "NoSuchBucket": HTTPStatus.NOT_FOUND,
    "RequestTimeTooSkewed": HTTPStatus.FORBIDDEN,
    "SlowDown": HTTPStatus.SERVICE_UNAVAILABLE,
}


def operation_of(environ: Mapping[str, Any]) -> str:
    """The call's name, of those that a store makes; "" for any other. Buckets stand in the path."""
    _, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    asked = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    for method, word, name in _OBJECTS if key else _BUCKETS:
        if environ["REQUEST_METHOD"] == method and (not word or word in asked):
            return name
    return ""


def refused(refusal: Refusal) -> Response:
    """As S3 says it."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refusal.code}</Code>'
        f"<Message>{escape(refusal.message)}</Message></Error>"
    )
    status = refusal.status or _STATUS.get(refusal.code, HTTPStatus.BAD_REQUEST)
    return Response(body, int(status), {"Content-Type": "application/xml", "Connection": "close"})
