"""Parts that do not fit into memory are made again for each pass over them, and are the same."""

import errno
import os
import random
from collections.abc import Sequence
from mmap import mmap
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import NoSpaceError, SourceChangedError
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Entry
from cryoem_cloud.mover import cut, send, spill
from cryoem_cloud.mover.engine import SEND_BYTES, Engine, Line
from cryoem_cloud.mover.pool import Pool
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.mover.push import send_file
from cryoem_cloud.mover.spill import Spill
from cryoem_cloud.ports.parts import Buffer, Pieces, SentPart, bytes_in
from cryoem_cloud.ports.span import FileSpan
from cryoem_cloud.stores.memory import MemoryStore
from tests.mover.parted import FolderParts, PartedStore, folder_store

BLOCKS = 7


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of which a store takes two parts at most, and a sender has one block in memory."""
    monkeypatch.setattr(cut, "MOST_PARTS", 2)
    monkeypatch.setattr(send, "_MOST_HELD_BYTES", 3 * BLOCK_BYTES // 4)
    some = random.Random(5).randbytes(BLOCK_BYTES)
    values = some.translate(bytes(n % 4 for n in range(256)))
    made = tmp_path / "movie.mrc"
    with made.open("wb") as file:
        for number in range(BLOCKS):
            file.write(values[number:] + values[:number])
        file.truncate(BLOCKS * BLOCK_BYTES - 5)
    return made


def sent(store: MemoryStore | PartedStore, path: Path, encoding: Encoding) -> Content:
    line = Line(beyond_bytes_per_s=1e8)  # memory would be faster than encoding
    with Engine(
        memory_bytes=SEND_BYTES, encoding=encoding, journals=path.parent / "up", line=line
    ) as engine:
        return send_file(store, path, project="p", key="mirror/m", engine=engine)[1]


@pytest.mark.parametrize("encoding", [Encoding.NONE, Encoding.AUTO])
def test_a_file_in_parts_that_are_not_in_memory_comes_back(
    path: Path, encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: set[type] = set()
    deliver = send._Upload._deliver

    def noting(self: object, number: int, pieces: object, *rest: object) -> object:
        kinds.add(type(pieces))
        return deliver(self, number, pieces, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(send._Upload, "_deliver", noting)
    store = MemoryStore()
    content = sent(store, path, encoding)
    assert kinds == {Pieces if encoding is Encoding.AUTO else FileSpan}
    assert len(content.parts) == (BLOCKS if encoding is Encoding.AUTO else 0)
    place_file(store, "p", Entry(path="m", content=content), path.with_name("back"))
    assert path.with_name("back").read_bytes() == path.read_bytes()


def test_an_encoded_part_that_waits_for_the_line_is_in_memory_that_is_counted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "_MOST_HELD_BYTES", 64 * BLOCK_BYTES)
    held: list[tuple[int, int]] = []
    deliver = send._Upload._deliver

    def noting(self: send._Upload, number: int, pieces: Sequence[Buffer], *rest: object) -> object:
        assert {type(memoryview(piece).obj) for piece in pieces} == {mmap}
        held.append((self.engine.pool.bytes[0], bytes_in(pieces)))
        return deliver(self, number, pieces, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(send._Upload, "_deliver", noting)
    sent(MemoryStore(), path, Encoding.AUTO)
    assert held
    assert all(counted >= size for counted, size in held)


def test_a_part_that_changes_between_two_passes_is_not_sent(tmp_path: Path, path: Path) -> None:
    """Even if the file's size, time and inode say nothing of it."""

    class Twice(FolderParts):
        def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
            before = path.stat()
            with path.open("r+b") as file:
                file.seek(BLOCK_BYTES + 5)
                file.write(b"others")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            return super().send(key, upload, number, pieces)

    held = folder_store(tmp_path)[0]
    store = PartedStore(held._store, Twice(held._store, tmp_path / "uploads"))  # type: ignore[arg-type]
    with pytest.raises(SourceChangedError, match=r"movie\.mrc"):
        sent(store, path, Encoding.NONE)
    assert list(store.list("")) == []


def test_a_full_disk_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(spill, "TemporaryFile", full)
    with pytest.raises(NoSpaceError, match="is full, where parts of very large files wait"):
        sent(MemoryStore(), path, Encoding.AUTO)


@given(
    some=st.lists(st.lists(st.binary(max_size=40), max_size=3), max_size=6),
    most=st.integers(0, 100),
)
def test_what_is_added_comes_out_however_often_it_is_asked_for(
    some: list[list[bytes]], most: int
) -> None:
    pool = Pool(most)
    with pool.holding(besides=most) as held, Spill(held, None, most) as spilt:
        for pieces in some:
            spilt.add(pieces)
        whole = b"".join(b"".join(pieces) for pieces in some)
        assert spilt.size == len(whole) == bytes_in(spilt.pieces())
        held.keep_only(0)
        assert (pool.bytes[0] > 0) == (0 < len(whole) <= most)
        for _ in range(2):
            assert b"".join(spilt.pieces()) == whole


def test_pieces_are_made_when_they_are_asked_for() -> None:
    made: list[int] = []

    def make(number: int) -> bytes:
        made.append(number)
        return bytes([number]) * number

    pieces = Pieces([0, 1, 2, 3], make)
    assert (bytes_in(pieces), len(pieces), made) == (6, 4, [])
    assert list(pieces) == [b"", b"\1", b"\2\2", b"\3\3\3"]
    assert made == [0, 1, 2, 3]
    assert pieces[-1] == b"\3\3\3"
    assert (list(pieces[1:3]), bytes_in(pieces[1:3])) == ([b"\1", b"\2\2"], 3)
    with pytest.raises(IndexError):
        pieces[4]
