"""Whether a file here, and what the store has of it, are as the index says."""

import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from cryoem_cloud.model.digest import Digester
from cryoem_cloud.model.errors import CorruptObjectError, ObjectMissingError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.ports.store import CHUNK_BYTES, Store

__all__ = ["Finding", "look_here", "look_there"]


class Finding(Enum):
    """What was found of a file, here or in the store."""

    GOOD = "as it was stored"
    AWAY = "not here"
    CHANGED = "changed here since it was stored"
    DAMAGED = "damaged"
    MISSING = "missing"


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
    deep: Path | None,
    size_of: Callable[[str], int],
    engine: Engine | None = None,
) -> Finding:
    """What the store has of a file: whether its object is there, and long enough, and its gain.

    With `deep`, a folder with room for the file, all of it is read and compared by its digest.
    `size_of` gives the size of an object by its key. `engine` is what all files share.

    Raises:
        StoreError: The store cannot be asked.
    """
    content = entry.content
    if content is None:
        return Finding.MISSING
    try:
        if size_of(f"{project}/{content.key}") < content.start + content.stored:
            return Finding.DAMAGED
        if content.gain and not size_of(f"{project}/{content.gain}"):
            return Finding.DAMAGED
        if deep is not None:
            _read(store, project, entry, deep, engine=engine)
    except ObjectMissingError:
        return Finding.MISSING
    except CorruptObjectError:
        return Finding.DAMAGED
    return Finding.GOOD


def _read(store: Store, project: str, entry: Entry, folder: Path, *, engine: Engine | None) -> None:
    with TemporaryDirectory(prefix=".cryoem-", dir=folder) as place:
        place_file(store, project, entry, Path(place, "copy"), engine=engine)
