"""Whether a file here, and what the store has of it, are as the index says."""

import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from cryoem_cloud.model.checks import Crc, checks_of_parts, is_of_parts, kind_of
from cryoem_cloud.model.digest import Digester
from cryoem_cloud.model.errors import (
    ArchivedError,
    CorruptObjectError,
    ObjectMissingError,
    StoreUnreachableError,
)
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Entry
from cryoem_cloud.mover.cut import cut_of
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.ports.store import CHUNK_BYTES, Store, Told

__all__ = ["Finding", "Proof", "look_here", "look_there"]


class Finding(Enum):
    """What was found of a file, here or in the store."""

    GOOD = "as it was stored"
    AWAY = "not here"
    CHANGED = "changed here since it was stored"
    DAMAGED = "damaged"
    MISSING = "missing"
    ARCHIVED = "archived, and cannot be read before it is restored"


class Proof(Enum):
    """What a finding about the store rests on."""

    READ = "read"
    """All of it was read, and compared by its digest."""
    CHECKSUM = "checksum"
    """The store tells a checksum, which it took of the bytes that came to it."""
    LENGTH = "length"
    """No checksum is told, or nobody knows which it should be; the object is long enough."""


def look_here(entry: Entry, path: Path) -> Finding:
    """What the file here is like; reads all of it, where its size and time are the stored ones.

    Raises:
        OSError: It cannot be read.
    """
    if entry.content is None or not os.path.lexists(path):
        return Finding.AWAY
    if not path.exists():  # a link that leads nowhere
        return Finding.CHANGED
    found = path.stat()
    if (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns):
        return Finding.CHANGED
    digester = Digester(like=entry.content.digest)
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            digester.update(chunk)
    return Finding.GOOD if digester.matches(entry.content.digest) else Finding.DAMAGED


def look_there(
    store: Store,
    project: str,
    entry: Entry,
    *,
    room: Path,
    told: Callable[[str], Told],
    deep: bool = False,
    good: Path | None = None,
    engine: Engine | None = None,
) -> tuple[Finding, Proof]:
    """What the store has of a file, and how that is known: by the store's checksum, if it has one.

    All of it is read and compared by its digest if it is `deep`, and where the checksum is another
    than the one that was recorded but that need not mean damage to this file: the object may have
    been cut into other parts, or have other files in it. `told` gives what the store says of a key,
    `room` is a folder with room for the file. `good` is a file with the entry's bytes, where there
    is one: of it the checksum is made, where none was recorded. `engine` is what all files share.

    Raises:
        StoreError: The store cannot be asked.
    """
    content = entry.content
    if content is None:
        return Finding.MISSING, Proof.LENGTH
    try:
        said = told(f"{project}/{content.key}")
        no_gain = content.gain and not told(f"{project}/{content.gain}").size
        if no_gain or said.size < content.start + content.stored:
            return Finding.DAMAGED, Proof.LENGTH
        proven = None if deep else _proven(content, said, good)
        if proven is None:
            return _read(store, project, entry, room, engine=engine), Proof.READ
    except ObjectMissingError:
        return Finding.MISSING, Proof.LENGTH
    except CorruptObjectError:
        return Finding.DAMAGED, Proof.READ
    return proven


def _proven(content: Content, said: Told, good: Path | None) -> tuple[Finding, Proof] | None:
    """What the store's word means; None: only reading can tell."""
    if not said.check:
        return Finding.GOOD, Proof.LENGTH
    whole = (content.start, content.stored) == (0, said.size)
    checks = content.checks
    if not checks and good is not None and whole and not content.codecs:
        checks = _checks_of(good, content.size, kind_of(said.check))
    if said.check in checks:
        return Finding.GOOD, Proof.CHECKSUM
    if not checks:
        return Finding.GOOD, Proof.LENGTH
    return (Finding.DAMAGED, Proof.CHECKSUM) if whole and not is_of_parts(said.check) else None


def _checks_of(path: Path, size: int, kind: str) -> tuple[str, ...]:
    """The checksums of a file's bytes, of that kind: of all, and of parts as they are cut."""
    part_bytes = cut_of(size).blocks_a_part * BLOCK_BYTES
    parts: list[tuple[str, int]] = []
    with path.open("rb", buffering=0) as file:
        for start in range(0, max(1, size), part_bytes):
            crc, end = Crc(kind), min(size, start + part_bytes)
            at = start
            while at < end and (chunk := file.read(min(CHUNK_BYTES, end - at))):
                crc.update(chunk)
                at += len(chunk)
            parts.append((crc.said, at - start))
    return checks_of_parts(parts)


def _read(
    store: Store, project: str, entry: Entry, folder: Path, *, engine: Engine | None
) -> Finding:
    with TemporaryDirectory(prefix=".cryoem-", dir=folder) as place:
        try:
            place_file(store, project, entry, Path(place, "copy"), engine=engine)
        except ArchivedError:
            return Finding.ARCHIVED
        except StoreUnreachableError:
            if entry.content is not None:  # if it answers, it cannot give the bytes
                store.size(f"{project}/{entry.content.key}")
            return Finding.DAMAGED
    return Finding.GOOD
