"""What cloud-init would run of an instance's user-data."""

import email
import gzip
from dataclasses import dataclass
from email.message import Message

__all__ = ["Part", "parts"]

_GZIP = b"\x1f\x8b"
_KINDS = {"text/x-shellscript": "scripts", "text/x-shellscript-per-boot": "per-boot"}


@dataclass(frozen=True, slots=True)
class Part:
    """One program in the user-data."""

    kind: str
    """`scripts`: runs once in the life of an instance; `per-boot`: whenever it boots."""
    name: str
    body: bytes


def parts(user_data: bytes) -> tuple[Part, ...]:
    """The programs in a script or in a MIME message of scripts, in their order.

    Raises:
        ValueError: There is something in it that this simulator does not run (#cloud-config).
    """
    text = gzip.decompress(user_data) if user_data.startswith(_GZIP) else user_data
    if not text.strip():
        return ()
    if text.startswith(b"#!"):
        return (Part("scripts", "part-001", text),)
    message = email.message_from_bytes(text)
    if not message.is_multipart():
        raise ValueError(f"user-data that is no script and no multipart MIME: {text[:40]!r}")
    leaves = [leaf for leaf in message.walk() if not leaf.is_multipart()]
    return tuple(_part(leaf, number) for number, leaf in enumerate(leaves, 1))


def _part(leaf: Message, number: int) -> Part:
    kind = _KINDS.get(leaf.get_content_type())
    if kind is None:
        raise ValueError(f"user-data with a part of the type {leaf.get_content_type()}")
    body = leaf.get_payload(decode=True)
    assert isinstance(body, bytes)
    return Part(kind, f"part-{number:03d}", body)
