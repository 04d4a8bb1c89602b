"""Journals of uploads: what was sent of a file, so that sending can go on after a break.

One file an upload, JSON lines that are only appended to, in a folder that can be thrown away: then
an upload begins anew. The first line says which file goes where and how it is cut and encoded;
then comes one line a part; the last one says what became of it. Who uses a journal holds its lock.
"""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.file import Content, Stamp
from cryoem_cloud.model.record import JSON, integer, items, mapping, text
from cryoem_cloud.ports.parts import SentPart

__all__ = ["ZST", "Journal", "Plan", "Sent", "Story", "journals_in", "opened"]

ZST = ".zst"
"""What keys end with of objects that any zstd makes the file of."""
_VERSION = 1
_ENDING = ".upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which file goes where, and how. An upload is gone on with only under an equal plan.

    `encoding` is what was asked for, `way` the name and parameters of what was chosen ("" for raw
    bytes); `key` is the whole key, `block` and `blocks_a_part` say how the file is cut.
    """

    store: str
    key: str
    path: str
    stamp: Stamp
    block: int
    blocks_a_part: int
    encoding: str
    way: str = ""
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    ratio: float = 1.0

    def goes_on(self, before: "Plan | None") -> bool:
        """Whether this is what that plan wanted too, however it chose to do it."""
        if before is None or before.key.removesuffix(ZST) != self.key.removesuffix(ZST):
            return False
        same = replace(
            before,
            key=self.key,
            blocks_a_part=self.blocks_a_part,
            way=self.way,
            parameters=self.parameters,
            ratio=self.ratio,
        )
        return same == self

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> "Plan":
        """From JSON.

        Raises:
            FormatError: A field is missing or of the wrong kind.
        """
        stamp = mapping(fields, "stamp")
        return cls(
            store=text(fields, "store"),
            key=text(fields, "key"),
            path=text(fields, "path"),
            stamp=Stamp(
                integer(stamp, "size"), integer(stamp, "mtime_ns"), integer(stamp, "inode")
            ),
            block=integer(fields, "block"),
            blocks_a_part=integer(fields, "blocks_a_part"),
            encoding=text(fields, "encoding"),
            way=text(fields, "way"),
            parameters=dict(mapping(fields, "parameters")),
            ratio=float(fields.get("ratio", 1.0)),
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """A part as it was sent, with its blocks' digests and their stored lengths."""

    part: SentPart
    digests: tuple[str, ...]
    lengths: tuple[int, ...]

    def to_json(self) -> JSON:
        """As JSON."""
        return {"part": asdict(self.part), "digests": self.digests, "lengths": self.lengths}

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> "Sent":
        """From JSON.

        Raises:
            FormatError: A field is missing or of the wrong kind.
        """
        part = mapping(fields, "part")
        return cls(
            SentPart(
                number=integer(part, "number"),
                size=integer(part, "size"),
                tag=text(part, "tag"),
                check=text(part, "check"),
            ),
            tuple(map(str, items(fields, "digests"))),
            tuple(map(int, items(fields, "lengths"))),
        )


@dataclass(slots=True)
class Story:
    """What a journal says. `completing`: the parts were about to be made one object."""

    plan: Plan | None = None
    upload: str = ""
    sent: dict[int, Sent] = field(default_factory=dict)
    completing: bool = False
    changed_ns: int = 0
    """When the file system last saw the file change, before the first part; 0: nobody noted it."""
    content: Content | None = None
    """Of a file that has arrived."""

    def take(self, fields: JSON) -> None:
        """Take the next line.

        Raises:
            FormatError: It is not one that this version knows.
        """
        if not isinstance(fields, dict):
            raise FormatError(f"no line of a journal: {fields!r:.80}")
        if self.plan is None:
            if integer(fields, "v") != _VERSION:
                raise FormatError("a journal of another version")
            self.plan, self.upload = Plan.from_json(fields), text(fields, "upload")
            self.changed_ns = int(fields.get("changed_ns", 0))
        elif "part" in fields:
            found = Sent.from_json(fields)
            self.sent[found.part.number] = found
        elif "content" in fields:
            self.content = Content.from_json(mapping(fields, "content"))
        elif "completing" in fields:
            self.completing = True


class Journal:
    """A journal that this process alone uses. What cannot be written is not there the next time."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self.path = path

    def read(self) -> Story:
        """What it says, up to the first line that was not written whole."""
        story, good = Story(), 0
        for line in _lines(self._descriptor):
            try:
                story.take(json.loads(line))
            except (ValueError, TypeError, FormatError):
                break
            good += len(line)
        if os.fstat(self._descriptor).st_size > good:
            with _forgiven():
                os.ftruncate(self._descriptor, good)
        return story

    def begin(self, plan: Plan, upload: str, *, changed_ns: int) -> None:
        """Forget what it says, and begin with this."""
        with _forgiven():
            os.ftruncate(self._descriptor, 0)
        first = {"v": _VERSION, **asdict(plan), "upload": upload, "changed_ns": changed_ns}
        self._append(first)

    def sent(self, sent: Sent) -> None:
        """Note a part that was sent."""
        self._append(sent.to_json())

    def completing(self) -> None:
        """Note that all parts were sent."""
        self._append({"completing": True})

    def arrived(self, content: Content) -> None:
        """Note that the object is there; who asks again is told so without sending anything."""
        self._append({"content": content.to_json()})

    def remove(self) -> None:
        """Remove it: there is nothing to go on with."""
        self.path.unlink(missing_ok=True)

    def _append(self, fields: JSON) -> None:
        with _forgiven():
            os.write(self._descriptor, json.dumps(fields).encode() + b"\n")


@contextmanager
def opened(folder: Path | None, *, store: str, key: str, path: Path) -> Iterator[Journal | None]:
    """The journal of sending that file there; None where it is in use, or there can be none."""
    if folder is None:
        yield None
        return
    name = hashlib.sha256(os.fsencode(f"{store}\n{key}\n{path.absolute()}")).hexdigest()[:32]
    with _locked(folder / f"{name}{_ENDING}") as journal:
        yield journal


def journals_in(folder: Path) -> Iterator[Journal]:
    """The journals that nobody uses, one after the other."""
    for path in sorted(folder.glob(f"*{_ENDING}")):
        with _locked(path) as journal:
            if journal is not None:
                yield journal


@contextmanager
def _locked(path: Path) -> Iterator[Journal | None]:
    descriptor = _open_and_lock(path)
    try:
        yield Journal(descriptor, path) if descriptor is not None else None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open_and_lock(path: Path) -> int | None:
    """The journal's descriptor; None where another has the lock, or the disk cannot lock."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except OSError:  # in use, removed meanwhile, or on a disk without locks
        pass
    os.close(descriptor)
    return None


def _lines(descriptor: int) -> Iterator[bytes]:
    """The lines that end, from the beginning."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        yield from (line for line in file if line.endswith(b"\n"))


@contextmanager
def _forgiven() -> Iterator[None]:
    """A full disk costs what is noted, not what is sent."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE}:
            raise
