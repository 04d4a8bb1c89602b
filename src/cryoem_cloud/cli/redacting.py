"""Takes out of texts what must not leave the computer: names of homes, and what looks secret."""

import re
from pathlib import Path

__all__ = ["redacted"]

_SECRET = re.compile(
    r"(?i)((?:secret|token|password|passwd|credential|api_?key|access_?key)[\w-]*[\"']?\s*[=:]\s*)"
    r"(\"[^\"]*\"|'[^']*'|[^\s,}]+)"
)
_AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
_SIGNED = re.compile(r"(?i)(x-amz-(?:signature|credential|security-token)=)[^&\s\"]+")


def redacted(text: str, *, home: Path, user: str) -> str:
    """The text without the user's home, name and whatever is named like a secret."""
    text = text.replace(str(home), "~")
    text = re.sub(rf"(?<![\w-]){re.escape(user)}(?=@)", "user", text)
    text = _AWS_KEY.sub("<key>", text)
    text = _IN_URL.sub("<who>@", text)
    text = _SIGNED.sub(r"\1<signature>", text)
    return _SECRET.sub(r"\1<secret>", text)
