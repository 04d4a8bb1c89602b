"""Large files, for tests: how they are made, sent in parts, and placed again."""

import os
import random
import secrets
from collections.abc import Callable
from pathlib import Path

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Entry
from cryoem_cloud.mover.engine import SEND_BYTES, Engine, Line
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.mover.push import send_file
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.memory import MemoryStore
from tests.mover.parted import PartedStore

__all__ = [
    "FULL",
    "KEY",
    "PROJECT",
    "a_file",
    "engine",
    "exchange",
    "grow",
    "placed",
    "sent",
    "write_into",
]

PROJECT = "ribosome-00000000"
KEY = "mirror/movie.mrc"
FULL = f"{PROJECT}/{KEY}"
NOISE = random.Random(5).randbytes(BLOCK_BYTES)
COUNTS = NOISE.translate(bytes(each % 4 for each in range(256)))


def a_file(path: Path, blocks: float, *, counts: bool = False) -> Path:
    """A file of so many blocks: random bytes, or counts, which become smaller."""
    left, base = int(blocks * BLOCK_BYTES), COUNTS if counts else NOISE
    with path.open("wb") as file:
        while left:
            at = secrets.randbelow(BLOCK_BYTES)
            left -= file.write((base[at:] + base[:at])[:left])
    return path


def engine(
    *, encoding: Encoding = Encoding.NONE, journals: Path | None = None, streams: int = 4
) -> Engine:
    return Engine(
        memory_bytes=SEND_BYTES,
        encoding=encoding,
        journals=journals,
        streams=streams,
        line=Line(beyond_bytes_per_s=1e8),  # memory would be faster than encoding
    )


def sent(
    store: MemoryStore | PartedStore,
    path: Path,
    *,
    encoding: Encoding = Encoding.NONE,
    journals: Path | None = None,
    moved: Callable[[int], None] = lambda _: None,
) -> Content:
    with engine(encoding=encoding, journals=journals) as used:
        return send_file(store, path, project=PROJECT, key=KEY, moved=moved, engine=used)[1]


def placed(
    store: MemoryStore | PartedStore | DirectoryStore, content: Content, path: Path
) -> bytes:
    place_file(store, PROJECT, Entry(path="f", content=content), path)
    return path.read_bytes()


def write_into(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"others")


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def exchange(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    found = path.stat()
    os.utime(other, ns=(found.st_mtime_ns, found.st_mtime_ns))
    other.replace(path)
