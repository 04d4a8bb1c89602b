"""Takes out of texts what must not leave the computer: names of homes, and what looks secret."""

import re
from pathlib import Path

__all__ = ["redacted"]

_SECRET = re.compile(
    r"(?i)((?:secret|token|passw(?:or)?d|passphrase|credential|(?:api|access|private)_?key"
    r"|pgpass|_pwd|_auth|webhook)"
    r"[\w-]*\\?[\"']?\s*[=:]\s*)"
    r"(\\\"[^\"]*\"|\"[^\"]*\"|'[^']*'|[^\s,}]+)"  # the first as it stands in a line of JSON
)
_BEARER = re.compile(r"(?i)\b(bearer|authorization:\s*basic)\s+[\w.~+/=-]{8,}")
_PRIVATE = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
_SIGNED = re.compile(r"(?i)(x-amz-(?:signature|credential|security-token)=)[^&\s\"]+")


def redacted(text: str, *, home: Path, user: str) -> str:
    """The text without the user's home, name and whatever is named like a secret."""
    if home.name:
        for written in {str(home), home.as_uri().removeprefix("file://")}:
            text = text.replace(written, "~")
    text = _PRIVATE.sub("<private key>", text)
    text = _BEARER.sub(r"\1 <secret>", text)
    text = re.sub(rf"(?<![\w-]){re.escape(user)}(?=@)", "user", text)
    text = _AWS_KEY.sub("<key>", text)
    text = _IN_URL.sub("<who>@", text)
    text = _SIGNED.sub(r"\1<signature>", text)
    return _SECRET.sub(r"\1<secret>", text)
