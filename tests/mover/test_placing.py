"""Large files from objects in parts: whole and verified, asked for again, or refused."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    FormatError,
    NoSpaceError,
    ObjectMissingError,
)
from cryoem_cloud.model.file import BLOCK_BYTES, Codec, Content, Part
from cryoem_cloud.mover.pull import fetch_bytes
from cryoem_cloud.ports.parts import Take
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault
from tests.mover.large import FULL, PROJECT, a_file, placed, sent
from tests.mover.parted import FailingParts, FolderParts, PartedStore


@pytest.mark.parametrize("encoding", [Encoding.NONE, Encoding.AUTO])
def test_a_damaged_block_is_found_and_leaves_the_file_as_it_was(
    tmp_path: Path, encoding: Encoding
) -> None:
    store = MemoryStore()
    content = sent(store, a_file(tmp_path / "f", 2.5, counts=True), encoding=encoding)
    data = bytearray(store.get(FULL))
    data[len(data) // 2] ^= 1
    store.put(FULL, bytes(data))
    (tmp_path / "there").write_bytes(b"what was there")
    with pytest.raises(CorruptObjectError):
        placed(store, content, tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == b"what was there"
    assert list(tmp_path.glob(".cryoem*")) == []


@pytest.mark.parametrize("encoding", [Encoding.NONE, Encoding.AUTO])
def test_a_block_that_was_damaged_on_the_way_is_asked_for_again(
    tmp_path: Path, encoding: Encoding
) -> None:
    store = MemoryStore()
    path = a_file(tmp_path / "f", 2.5, counts=True)
    content = sent(store, path, encoding=encoding)
    wrong = iter([False, True, False, True])
    failing = FailingParts(store.parts, lambda _: Fault.NONE, lambda: next(wrong, False))
    assert placed(PartedStore(store, failing), content, tmp_path / "there") == path.read_bytes()


@pytest.mark.parametrize("encoding", [Encoding.NONE, Encoding.AUTO])
def test_holes_are_made_again_but_not_over_what_came_damaged(
    tmp_path: Path, encoding: Encoding
) -> None:
    store, path = MemoryStore(), tmp_path / "movie.mrc"
    with path.open("wb") as file:
        file.write(b"begin")
        file.truncate(3 * BLOCK_BYTES)
    content = sent(store, path, encoding=encoding)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()
    assert (tmp_path / "there").stat().st_blocks * 512 < BLOCK_BYTES / 4
    for last in range(1, 7):  # what comes is damaged in another place each time
        wrong = iter([False] * last + [True])
        failing = FailingParts(store.parts, lambda _: Fault.NONE, lambda w=wrong: next(w, False))  # type: ignore[misc]
        store_now = PartedStore(store, failing)
        assert placed(store_now, content, tmp_path / "there") == path.read_bytes()


def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    content = sent(store, a_file(tmp_path / "f", 2))
    place = tmp_path / "there"

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(NoSpaceError):
        placed(store, content, place)
    assert not place.exists()
    assert list(tmp_path.glob(".cryoem*")) == []


def test_what_was_recorded_with_a_digest_of_all_bytes_is_verified_so(tmp_path: Path) -> None:
    store, path = MemoryStore(), a_file(tmp_path / "f", 1.5)
    content = sent(store, path)
    old = replace(content, digest=f"blake3:{blake3(path.read_bytes()).hexdigest()}")
    for each in (old, replace(old, blocks=())):
        assert placed(store, each, tmp_path / "there") == path.read_bytes()
        assert fetch_bytes(store, PROJECT, each) == path.read_bytes()
    wrong = replace(old, digest=f"blake3:{'0' * 64}", blocks=())
    with pytest.raises(CorruptObjectError):
        placed(store, wrong, tmp_path / "there")
    with pytest.raises(CorruptObjectError):
        fetch_bytes(store, PROJECT, wrong)


def _rows(content: Content, at: int, **fields: int) -> Content:
    parts = list(content.parts)
    parts[at] = replace(parts[at], **fields)
    return replace(content, parts=tuple(parts))


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda content: replace(content, blocks=content.blocks[:-1]),
        lambda content: replace(content, parts=content.parts[:-1]),
        lambda content: replace(content, parts=content.parts[::-1]),
        lambda content: replace(content, parts=()),
        lambda content: replace(content, codecs=()),
        lambda content: replace(content, codecs=(Codec("blocks", {"version": 3}),)),
        lambda content: replace(content, codecs=(Codec("blocks", {"version": "1"}),)),
        lambda content: replace(content, codecs=content.codecs * 2),
        lambda content: replace(content, size=content.size + 1),
        lambda content: _rows(content, 1, raw_start=5),
        lambda content: _rows(content, 1, stored_start=0),
        lambda content: _rows(content, 1, stored_length=10**12),
        lambda content: _rows(content, 1, stored_length=-5),
        lambda content: _rows(content, 2, stored_length=content.parts[2].stored_length + 1),
        lambda content: replace(content, digest="blake3b:" + "0" * 64),
        lambda content: replace(content, blocks=("no number",) * len(content.blocks)),
        lambda content: replace(content, parts=(*content.parts, Part(content.size, 0, 0, 1))),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(
    tmp_path: Path, spoilt: Callable[[Content], Content]
) -> None:
    store = MemoryStore()
    content = sent(store, a_file(tmp_path / "f", 2.5, counts=True), encoding=Encoding.AUTO)
    with pytest.raises((FormatError, CorruptObjectError)):
        placed(store, spoilt(content), tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_an_object_that_is_gone_is_missing(tmp_path: Path) -> None:
    store = MemoryStore()
    content = sent(store, a_file(tmp_path / "f", 2))
    store.delete(FULL)
    with pytest.raises(ObjectMissingError):
        placed(store, content, tmp_path / "there")


def test_what_comes_twice_is_not_written_over_the_next_block(tmp_path: Path) -> None:
    """A store that begins anew without a word, for one."""

    class Again(FolderParts):
        def read_into(
            self,
            key: str,
            start: int,
            buffer: memoryview,
            *,
            length: int | None = None,
            take: Take | None = None,
        ) -> None:
            for _ in range(2):
                super().read_into(key, start, buffer, length=length, take=take)

    held = DirectoryStore(tmp_path / "store")
    store = PartedStore(held, Again(held, tmp_path / "parts"))
    path = a_file(tmp_path / "movie.mrc", 3)
    content = sent(store, path)
    with pytest.raises(CorruptObjectError, match="longer than it can be"):
        placed(store, content, tmp_path / "there")
    assert not (tmp_path / "there").exists()
