"""How values become stored bytes: JSON objects that carry their kind and version.

Every record is `{"kind": …, "v": …, …}`. A reader takes its own version and older ones; a record
of a newer version is refused with a message that says so.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from cryoem_cloud.model.errors import FormatError, NewerFormatError

__all__ = [
    "JSON",
    "PROTOCOL",
    "decode",
    "encode",
    "instant",
    "integer",
    "integers",
    "items",
    "mapping",
    "month",
    "natural",
    "text",
    "texts",
]

JSON: TypeAlias = Any
"""What `json.loads` gives; checked field by field by the readers below."""

PROTOCOL = 4
"""The newest version of a record in a store; docs/reference/protocol.md describes all."""


_MOST = 2**60
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def encode(kind: str, fields: Mapping[str, JSON], *, version: int = 1) -> bytes:
    """The record as UTF-8 bytes; keys in the order given, non-ASCII escaped.

    `version` is the first one whose readers understand it.
    """
    return json.dumps({"kind": kind, "v": version, **fields}, separators=(",", ":")).encode()


def decode(kind: str, data: bytes) -> Mapping[str, JSON]:
    """The fields of a record of that kind.

    Raises:
        FormatError: It is no such record.
        NewerFormatError: Its version is newer than ours.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"a {kind} record is not JSON: {data[:60]!r}") from error
    if not isinstance(found, dict) or found.get("kind") != kind:
        raise FormatError(f"expected a {kind} record, found {data[:60]!r}")
    version = integer(found, "v")
    if version > PROTOCOL:
        raise NewerFormatError(
            f"a {kind} record has version {version}; this program knows {PROTOCOL}",
            hint="a newer cryoem wrote it: update this computer's cryoem-cloud-tools",
        )
    return found


def text(fields: Mapping[str, JSON], name: str, default: str | None = None) -> str:
    """A text field."""
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise FormatError(f"field {name!r} should be text, found {value!r}")
    return value


def integer(fields: Mapping[str, JSON], name: str, default: int | None = None) -> int:
    """A whole-number field."""
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise FormatError(f"field {name!r} should be a whole number, found {value!r}")
    return value


def natural(fields: Mapping[str, JSON], name: str, default: int | None = None) -> int:
    """A field with a count or a size, from 0 to 2**60: sums of several still have 64 bits."""
    value = integer(fields, name, default)
    if not 0 <= value <= _MOST:
        raise FormatError(f"field {name!r} should be a count from 0 to 2**60")
    return value


def instant(fields: Mapping[str, JSON], name: str) -> datetime:
    """A field with an instant, such as 2026-01-01T00:00:00Z."""
    value = text(fields, name)
    try:
        # strptime is as strict by itself, and takes most of the time that a record takes
        return datetime.fromisoformat(value if _INSTANT.fullmatch(value) else "")
    except ValueError as error:
        raise FormatError(f"field {name!r} should be an instant, found {value!r}") from error


def month(fields: Mapping[str, JSON], name: str) -> str:
    """A field with a month, such as 2026-11."""
    value = text(fields, name)
    if not _MONTH.fullmatch(value):
        raise FormatError(f"field {name!r} should be a month, found {value!r}")
    return value


def items(fields: Mapping[str, JSON], name: str) -> Sequence[JSON]:
    """A list field; empty where it is absent."""
    value = fields.get(name, [])
    if not isinstance(value, list):
        raise FormatError(f"field {name!r} should be a list, found {value!r}")
    return value


def integers(fields: Mapping[str, JSON], name: str) -> tuple[int, ...]:
    """A list of whole numbers; empty where it is absent."""
    found = tuple(items(fields, name))
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in found):
        raise FormatError(f"field {name!r} should be whole numbers, found {found!r:.200}")
    return found


def texts(fields: Mapping[str, JSON], name: str) -> tuple[str, ...]:
    """A list of texts; empty where it is absent."""
    found = tuple(items(fields, name))
    if not all(isinstance(value, str) for value in found):
        raise FormatError(f"field {name!r} should be texts, found {found!r:.200}")
    return found


def mapping(fields: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    """An object field; empty where it is absent."""
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise FormatError(f"field {name!r} should be an object, found {value!r}")
    return value
