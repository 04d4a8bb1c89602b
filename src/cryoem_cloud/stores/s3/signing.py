"""Requests signed as S3 wants them: Signature Version 4, in headers.

After Amazon's "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
To import the SDK's takes longer than to look at 5,000 files; tests hold this against it.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["UNSIGNED", "Keys", "signed"]

UNSIGNED = "UNSIGNED-PAYLOAD"
"""Stands for the digest of a body that the signature says nothing of."""
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Keys:
    """Who we are; `token` belongs to keys that expire."""

    access: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Keys({self.access!r})"


def signed(
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    keys: Keys,
    region: str,
    body: bytes | None,
) -> dict[str, str]:
    """All headers with those that sign them; `body` None is one that is not hashed.

    `url` is encoded as it is sent.
    """
    parts = urlsplit(url)
    when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s()))
    digest = UNSIGNED if body is None else hashlib.sha256(body).hexdigest()
    all_ = {
        **headers,
        "Host": parts.netloc,
        "X-Amz-Date": when,
        "X-Amz-Content-SHA256": digest,
        **({"X-Amz-Security-Token": keys.token} if keys.token else {}),
    }
    rows = sorted((name.lower(), " ".join(value.split())) for name, value in all_.items())
    names = ";".join(name for name, _ in rows)
    said = "".join(f"{name}:{value}\n" for name, value in rows)
    asked = f"{method}\n{parts.path or '/'}\n{_sorted(parts.query)}\n{said}\n{names}\n{digest}"
    scope = f"{when[:8]}/{region}/s3/aws4_request"
    to_sign = f"{_ALGORITHM}\n{when}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    signature = _mac(_key(keys.secret, when[:8], region), to_sign).hex()
    credential = f"Credential={keys.access}/{scope}"
    authorization = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return {**all_, "Authorization": authorization}


def now_s() -> float:
    """Seconds since 1970, by this computer's clock."""
    return time.time()


def _sorted(query: str) -> str:
    """A query in order of its names, and then its values, each of which has its sign."""
    pairs = sorted(tuple(pair.partition("=")[::2]) for pair in query.split("&") if pair)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for word in (day, region, "s3", "aws4_request"):
        key = _mac(key, word)
    return key


def _mac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")
