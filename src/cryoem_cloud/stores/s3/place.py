"""Where a bucket's objects are, and requests there that are signed as botocore signs its own."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, SSLError
from botocore.httpsession import ProxyConfiguration
from botocore.utils import get_environ_proxies

from cryoem_cloud.model.errors import StoreError, StoreUnreachableError
from cryoem_cloud.ports.parts import Buffer, bytes_in
from cryoem_cloud.stores.s3.client import Made
from cryoem_cloud.stores.s3.wire import Answer, Request, Route, Wire
from cryoem_cloud.stores.s3.xml import Element, parsed

__all__ = ["Place", "moved", "place_of", "refused"]

_UNSIGNED_BODY = Config(s3={"payload_signing_enabled": False})
"""A part's CRC guards it, with and without TLS; hashing it once more would cost a core."""
_SIGNED_BODY = Config(s3={"payload_signing_enabled": True})
_PROBE = "k"


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket: the URL before its keys, the region that requests are signed for, and who we are.

    It was found with `made`.
    """

    root: str
    region: str
    credentials: Credentials | None
    wire: Wire
    made: Made

    @contextmanager
    def asked(
        self,
        method: str,
        key: str,
        query: str = "",
        *,
        headers: Mapping[str, str],
        pieces: Sequence[Buffer] = (),
        signed: bytes = b"",
    ) -> Iterator[Answer]:
        """The answer of a server that did what it was asked; one request.

        The body is `signed`, or the pieces, of which the signature says nothing.

        Raises:
            ClientError: It did not, and says why.
            BotoCoreError: We cannot say who we are, or the connection would not be secure.
            HTTPException, OSError: It does not answer.
        """
        url = f"{self.root}/{quote(key, safe='/-._~')}{'?' if query else ''}{query}"
        asked = AWSRequest(method, url, headers=dict(headers), data=signed)
        asked.context["client_config"] = _UNSIGNED_BODY if pieces else _SIGNED_BODY
        S3SigV4Auth(self._frozen(), "s3", self.region).add_auth(asked)
        parts = urlsplit(url)
        body = pieces or ((signed,) if signed else ())
        asked.headers["Host"] = parts.netloc
        asked.headers["User-Agent"] = "cryoem-cloud-tools"
        if body or method in {"POST", "PUT"}:
            asked.headers["Content-Length"] = str(bytes_in(body))
        request = Request(
            method=method,
            target=f"{parts.path}?{parts.query}" if query else parts.path,
            headers=dict(asked.headers),
            pieces=body,
        )
        with self.wire.ask(request) as answer:
            if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise refused(answer.status, answer.headers, _said(answer.read()), method)
            yield answer

    def _frozen(self) -> object:
        return self.credentials and self.credentials.get_frozen_credentials()


def place_of(made: Made, bucket: str, region: str = "") -> Place:
    """Where botocore would look for a bucket's objects; asks nobody.

    Raises:
        BotoCoreError: The settings, the bucket's name or the credentials cannot be used.
        StoreError: The way there is one that we cannot go.
    """
    client = made.client
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": _PROBE})
    root = url.partition("?")[0].removesuffix(f"/{_PROBE}")
    return Place(
        root=root,
        region=region or client.meta.region_name,
        credentials=made.session.get_credentials(),
        wire=Wire(_route(root, made.certificates)),
        made=made,
    )


def moved(place: Place, bucket: str) -> Place | None:
    """The same bucket in the region where it is; None if that is the one that we know. Asks it."""
    headers = place.made.client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    region = headers.get("x-amz-bucket-region", "")  # botocore remembers it for itself
    return place_of(place.made, bucket, region) if region not in {"", place.region} else None


def refused(status: int, headers: Mapping[str, str], said: Element, what: str) -> ClientError:
    """What botocore would raise for such an answer."""
    answer = {
        "Error": {"Code": said.said("Code") or str(status), "Message": said.said("Message")},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(headers)},
    }
    return ClientError(answer, what)


def _said(data: bytes) -> Element:
    """The reason for a refusal, if it was given by S3 and not by something on the way there."""
    try:
        return parsed(data)
    except StoreUnreachableError:
        return Element("")


def _route(root: str, certificates: str) -> Route:
    parts = urlsplit(root)
    secure = parts.scheme == "https"
    origin = f"{parts.scheme}://{parts.netloc}"
    proxies = ProxyConfiguration(get_environ_proxies(root))
    proxy = proxies.proxy_url_for(root)
    if proxy and urlsplit(proxy).scheme != "http":
        raise StoreError(f"the proxy for {origin} is not http://", hint="set HTTPS_PROXY to one")
    where = urlsplit(proxy or "")
    return Route(
        origin=origin,
        host=parts.hostname or "",
        port=parts.port or (443 if secure else 80),
        tls=_context(origin, certificates) if secure else None,
        proxy=(where.hostname or "", where.port or 80) if proxy else None,
        proxy_headers=proxies.proxy_headers_for(proxy) if proxy else {},
    )


def _context(origin: str, certificates: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificates)
    except OSError as error:
        raise SSLError(endpoint_url=origin, error=f"{certificates}: {error}") from error
