"""What the store knows of a file: where its bytes lie, and how to be sure of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.record import JSON, integer, items, mapping, text

__all__ = ["BLOCK_BYTES", "Codec", "Content", "Entry", "Kind", "Part", "Stamp"]

BLOCK_BYTES = 16 * 1024 * 1024
"""Files larger than this carry one digest per block of this many raw bytes."""


class Kind(Enum):
    """What lies under a path."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    STUB = "stub"
    """A file of which only the existence matters; it travels empty."""
    GONE = "gone"
    """The path was taken away."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What `stat` says of a file; equal stamps mean an unchanged file."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Codec:
    """One step that was applied to the raw bytes, with its parameters."""

    name: str
    parameters: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Part:
    """A raw range of a file and where it is stored inside the object's range, in bytes."""

    raw_start: int
    raw_length: int
    stored_start: int
    stored_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Where a file's bytes lie: a range of an object, decoded by a chain of codecs.

    `key` is relative to the project's folder in the store; with `reference` it is instead an
    absolute path on the submitter's computer, and nothing was copied. `digest` and `blocks` are of
    the raw bytes (`blake3:` and 64 hexadecimal digits); `blocks` is empty for a single block.
    `checks` are what a store may tell of the object (`model.checks`); empty where nobody knows.
    """

    key: str
    start: int
    stored: int
    size: int
    digest: str
    blocks: tuple[str, ...] = ()
    codecs: tuple[Codec, ...] = ()
    parts: tuple[Part, ...] = ()
    reference: bool = False
    checks: tuple[str, ...] = field(default=(), compare=False)

    @property
    def gain(self) -> str:
        """The key, relative to the project's folder, of the gain that it needs; "" for none."""
        found = (codec.parameters.get("gain", "") for codec in self.codecs)
        return next((gain for gain in found if isinstance(gain, str)), "")

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        fields: dict[str, JSON] = {
            "key": self.key,
            "range": [self.start, self.stored],
            "size": self.size,
            "digest": self.digest,
        }
        if self.blocks:
            fields["blocks"] = {"bytes": BLOCK_BYTES, "digests": list(self.blocks)}
        if self.codecs:
            fields["codec"] = [[codec.name, dict(codec.parameters)] for codec in self.codecs]
        if self.parts:
            fields["parts"] = [
                [part.raw_start, part.raw_length, part.stored_start, part.stored_length]
                for part in self.parts
            ]
        if self.reference:
            fields["reference"] = True
        if self.checks:
            fields["checks"] = list(self.checks)
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> Self:
        """From JSON.

        Raises:
            FormatError: A field is missing or of the wrong kind.
        """
        try:
            start, stored = (int(number) for number in items(fields, "range"))
            codecs = tuple(Codec(name, dict(args)) for name, args in items(fields, "codec"))
            parts = tuple(Part(*map(int, row)) for row in items(fields, "parts"))
            size = integer(fields, "size")
        except (TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"a file's content cannot be read: {fields!r:.200}") from error
        if min(start, stored, size) < 0:
            raise FormatError(f"a file's content has a negative range: {fields!r:.200}")
        return cls(
            key=text(fields, "key"),
            start=start,
            stored=stored,
            size=size,
            digest=text(fields, "digest"),
            blocks=tuple(map(str, items(mapping(fields, "blocks"), "digests"))),
            codecs=codecs,
            parts=parts,
            reference=bool(fields.get("reference", False)),
            checks=tuple(map(str, items(fields, "checks"))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A path with what lies there. `content` is present for files, `target` for links."""

    path: str
    kind: Kind = Kind.FILE
    mtime_ns: int = 0
    mode: int = 0o644
    content: Content | None = None
    target: str = ""

    @property
    def size(self) -> int:
        """Raw bytes; 0 for anything but a file."""
        return self.content.size if self.content else 0

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        fields: dict[str, JSON] = {"path": self.path, "type": self.kind.value}
        if self.kind is Kind.FILE and self.content:
            fields |= {"mtime_ns": self.mtime_ns, "mode": self.mode, **self.content.to_json()}
        if self.kind is Kind.LINK:
            fields["target"] = self.target
        return fields

    @classmethod
    def from_json(cls, fields: JSON) -> Self:
        """From JSON.

        Raises:
            FormatError: It is not an entry.
        """
        if not isinstance(fields, dict):
            raise FormatError(f"an entry should be an object, found {fields!r:.80}")
        try:
            kind = Kind(fields.get("type"))
        except ValueError as error:
            raise FormatError(f"an entry of unknown type: {fields!r:.200}") from error
        path = text(fields, "path")
        try:
            path.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise FormatError(f"{path!r} is no path of any file system") from error
        return cls(
            path=path,
            kind=kind,
            mtime_ns=integer(fields, "mtime_ns", 0),
            mode=integer(fields, "mode", 0o644) & 0o777,
            content=Content.from_json(fields) if kind is Kind.FILE else None,
            target=text(fields, "target", ""),
        )
