"""Where a bucket's objects are, and requests there, signed."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from cryoem_cloud.model.errors import StoreError, StoreUnreachableError
from cryoem_cloud.ports.parts import Buffer, bytes_in
from cryoem_cloud.stores.s3.faults import InsecureError, RefusedError
from cryoem_cloud.stores.s3.identity import Identity
from cryoem_cloud.stores.s3.signing import signed
from cryoem_cloud.stores.s3.wire import Answer, Request, Route, Wire
from cryoem_cloud.stores.s3.xml import Element, parsed

__all__ = ["Place", "Question", "moved", "place_of", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request; key "" is the bucket itself.

    The body is `signed`, or the pieces, of which the signature says nothing: their CRC guards them,
    with and without TLS, and hashing them once more would cost a core.
    """

    method: str
    key: str = ""
    query: str = ""
    headers: Mapping[str, str]
    pieces: Sequence[Buffer] = ()
    signed: bytes = b""


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket: the URL before its keys, the region that requests are signed for, and who asks."""

    root: str
    region: str
    identity: Identity
    wire: Wire

    @contextmanager
    def asked(self, question: Question) -> Iterator[Answer]:
        """The answer of a server that did what it was asked; one request.

        Raises:
            RefusedError: It did not, and says why.
            UnfitError, InsecureError: We cannot say who we are; the connection would not be secure.
            HTTPException, OSError: It does not answer.
        """
        with self.wire.ask(self.request(question)) as answer:
            if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise refused(answer.status, answer.headers, _said(answer.read()))
            yield answer

    def request(self, question: Question) -> Request:
        """The question, signed now."""
        key = quote(question.key, safe="/-._~")
        mark = "?" if question.query else ""
        url = f"{self.root}{'/' if key else ''}{key}{mark}{question.query}"
        body = question.pieces or ((question.signed,) if question.signed else ())
        headers = signed(
            question.method,
            url,
            question.headers,
            keys=self.identity.keys(),
            region=self.region,
            body=None if question.pieces else question.signed,
        )
        headers["User-Agent"] = "cryoem-cloud-tools"
        if body or question.method in {"POST", "PUT"}:
            headers["Content-Length"] = str(bytes_in(body))
        parts = urlsplit(url)
        return Request(
            method=question.method,
            target=f"{parts.path or '/'}{mark}{parts.query}",
            headers=headers,
            pieces=body,
        )


def place_of(identity: Identity, bucket: str, region: str = "") -> Place:
    """Where a bucket's objects are, if it is in that region; asks nobody.

    Raises:
        UnfitError: The settings, the bucket's name or the credentials cannot be used.
        StoreError: The way there is one that we cannot go.
    """
    where = region or identity.region
    root = identity.root(bucket, where)
    return Place(root=root, region=where, identity=identity, wire=Wire(_route(root, identity)))


def moved(place: Place, bucket: str) -> Place | None:
    """The same bucket in the region where it is; None if that is the one that we know. Asks it."""
    request = place.request(Question(method="HEAD", headers={}))
    with place.wire.ask(request) as answer:
        region = answer.headers.get("x-amz-bucket-region", "")
        answer.read()
    if region in {"", place.region}:
        return None
    return place_of(place.identity, bucket, region)


def refused(status: int, headers: Mapping[str, str], said: Element) -> RefusedError:
    """What such an answer means."""
    return RefusedError(status, headers, said.said("Code") or str(status), said.said("Message"))


def _said(data: bytes) -> Element:
    """The reason for a refusal, if it was given by S3 and not by something on the way there."""
    try:
        return parsed(data)
    except StoreUnreachableError:
        return Element("")


def _route(root: str, identity: Identity) -> Route:
    parts = urlsplit(root)
    secure = parts.scheme == "https"
    origin = f"{parts.scheme}://{parts.netloc}"
    proxy, headers = identity.proxy(root)
    where = urlsplit(proxy)
    if proxy and where.scheme != "http":
        raise StoreError(f"the proxy for {origin} is not http://", hint="set HTTPS_PROXY to one")
    return Route(
        origin=origin,
        host=parts.hostname or "",
        port=parts.port or (443 if secure else 80),
        tls=_context(origin, identity.certificates) if secure else None,
        proxy=(where.hostname or "", where.port or 80) if proxy else None,
        proxy_headers=headers,
    )


def _context(origin: str, certificates: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificates or None)
    except OSError as error:
        raise InsecureError(f"{origin}: {certificates}: {error}") from error
