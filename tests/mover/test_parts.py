"""Large files to objects in parts and back: encoded or not, gone on with, or refused."""

import os
import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    FormatError,
    NoSpaceError,
    ObjectExistsError,
    ObjectMissingError,
    SourceChangedError,
    StoreUnreachableError,
)
from cryoem_cloud.model.file import BLOCK_BYTES, Codec, Content, Entry, Part
from cryoem_cloud.mover.engine import SEND_BYTES, Engine, Line
from cryoem_cloud.mover.pull import fetch_bytes, fetch_files, place_file
from cryoem_cloud.mover.push import keep_file, send_file
from cryoem_cloud.ports.parts import Take
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault
from tests.mover.parted import FailingParts, FolderParts, PartedStore, folder_store

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


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("blocks", [1 + 1 / BLOCK_BYTES, 2, 5.5])
def test_a_large_file_comes_back_as_it_was(
    tmp_path: Path, blocks: float, encoding: Encoding
) -> None:
    store = MemoryStore()
    path = a_file(tmp_path / "movie.mrc", blocks, counts=True)
    told: list[int] = []
    content = sent(store, path, encoding=encoding, moved=told.append)
    assert sum(told) == path.stat().st_size
    assert store.parts.uploads == ()
    assert content.digest == digest_of(path.read_bytes())
    assert content.stored == store.size(f"{PROJECT}/{content.key}")
    assert bool(content.codecs) == (encoding is not Encoding.NONE)
    assert content.key == (KEY + ".zst" if encoding is Encoding.PLAIN else KEY)
    told.clear()
    entry = Entry(path="f", content=Content.from_json(content.to_json()))
    fetch_files(store, PROJECT, [(entry, tmp_path / "there" / "f")], moved=told.append)
    assert (tmp_path / "there" / "f").read_bytes() == path.read_bytes()
    assert sum(told) == path.stat().st_size
    assert fetch_bytes(store, PROJECT, content) == path.read_bytes()


def test_an_encoded_object_is_read_from_a_store_without_parts(tmp_path: Path) -> None:
    store = MemoryStore()
    path = a_file(tmp_path / "movie.mrc", 2.5, counts=True)
    content = sent(store, path, encoding=Encoding.AUTO)
    folder = DirectoryStore(tmp_path / "store")
    folder.put(FULL, store.get(FULL))
    assert placed(folder, content, tmp_path / "there") == path.read_bytes()


def test_what_does_not_become_smaller_is_sent_as_it_is(tmp_path: Path) -> None:
    content = sent(MemoryStore(), a_file(tmp_path / "f.eer", 2), encoding=Encoding.AUTO)
    assert content.codecs == ()


def test_many_files_share_the_threads_and_the_memory(tmp_path: Path) -> None:
    store = MemoryStore()
    paths = [a_file(tmp_path / f"{n}.mrc", 1.5 + n, counts=True) for n in range(3)]
    with engine(encoding=Encoding.AUTO) as used:
        contents: list[Content | None] = [None] * len(paths)

        def send(n: int) -> None:
            key = f"mirror/{n}"
            contents[n] = send_file(store, paths[n], project=PROJECT, key=key, engine=used)[1]

        threads = [threading.Thread(target=send, args=(n,)) for n in range(len(paths))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert used.pool.bytes[0] == 0
    for path, content in zip(paths, contents, strict=True):
        assert content
        assert placed(store, content, tmp_path / "there") == path.read_bytes()


def _write(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"others")


def _cut(path: Path) -> None:
    os.truncate(path, BLOCK_BYTES + 5)


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    found = path.stat()
    os.utime(other, ns=(found.st_mtime_ns, found.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("journals", [True, False])
@pytest.mark.parametrize("change", [_write, _cut, _grow, _replace, Path.unlink])
@pytest.mark.parametrize("after", [1, 4])
def test_a_file_that_changes_while_it_is_sent_leaves_nothing(
    tmp_path: Path, *, change: Callable[[Path], None], after: int, journals: bool
) -> None:
    store, path = MemoryStore(), a_file(tmp_path / "movie.mrc", 4)
    os.utime(path, ns=(1_600_000_000_000_000_000, 1_600_000_000_000_000_000))
    left = [after]

    def moved(_: int) -> None:
        left[0] -= 1
        if not left[0]:
            change(path)

    cache = tmp_path / "cache" if journals else None
    with pytest.raises(SourceChangedError, match=r"movie\.mrc"):
        sent(store, path, moved=moved, journals=cache)
    assert list(store.list("")) == []
    assert store.parts.uploads == ()
    assert list(tmp_path.rglob("*.upload")) == []


def test_a_taken_key_costs_no_byte(tmp_path: Path) -> None:
    store, path = MemoryStore(), a_file(tmp_path / "movie.mrc", 2)
    store.put(FULL, b"others")
    told: list[int] = []
    with pytest.raises(ObjectExistsError):
        sent(store, path, moved=told.append)
    assert told == []
    assert store.parts.uploads == ()


@pytest.mark.parametrize("encoding", Encoding)
def test_other_bytes_of_the_same_path_get_a_key_of_their_own(
    tmp_path: Path, encoding: Encoding
) -> None:
    store, contents = MemoryStore(), []
    first = a_file(tmp_path / "first", 1.5, counts=True)
    second = a_file(tmp_path / "second", 1.5, counts=True)
    with engine(encoding=encoding) as used:
        for path in (first, second, first, second, second):
            content = keep_file(store, path, project=PROJECT, key=KEY, engine=used)[1]
            assert placed(store, content, tmp_path / "there") == path.read_bytes()
            contents.append(content)
    assert contents[2] == contents[0]
    assert contents[1] == contents[3] == contents[4]
    assert len(list(store.list(""))) == 2


def broken(
    tmp_path: Path, plan: Callable[[str], Fault], *, lasts_s: float = 0
) -> tuple[PartedStore, PartedStore, FailingParts]:
    """A store that fails as planned, and the same one whole."""
    store, parts = folder_store(tmp_path, lasts_s=lasts_s)
    failing = FailingParts(parts, plan, lambda: False)
    return PartedStore(DirectoryStore(tmp_path / "store"), failing), store, failing


def the_nth(call: str, n: int, fault: Fault) -> Callable[[str], Fault]:
    seen = [0]

    def plan(name: str) -> Fault:
        seen[0] += name == call
        return fault if name == call and seen[0] == n else Fault.NONE

    return plan


@pytest.mark.parametrize("encoding", [Encoding.NONE, Encoding.AUTO])
def test_after_a_break_only_what_was_in_flight_is_sent_again(
    tmp_path: Path, encoding: Encoding
) -> None:
    failing, store, _ = broken(tmp_path, the_nth("send", 6, Fault.REFUSED))
    path = a_file(tmp_path / "movie.mrc", 10 if encoding is Encoding.NONE else 30, counts=True)
    with pytest.raises(StoreUnreachableError):
        sent(failing, path, encoding=encoding, journals=tmp_path / "cache")
    parts = folder_store(tmp_path)[1]
    before = len(parts.log)
    content = sent(store, path, encoding=encoding, journals=tmp_path / "cache")
    assert before >= 5
    assert len(parts.log) == len(set(parts.log)) == max(parts.log) > 6
    assert placed(store, content, tmp_path / "there") == path.read_bytes()
    assert parts.uploads == []


def test_an_upload_that_somebody_ends_begins_anew(tmp_path: Path) -> None:
    store, path, cache = MemoryStore(), a_file(tmp_path / "movie.mrc", 6), tmp_path / "cache"

    def end_it(_: int) -> None:
        for key, upload in store.parts.uploads:
            store.parts.abort(key, upload)

    with pytest.raises(StoreUnreachableError, match=r"ended the upload of .*movie\.mrc"):
        sent(store, path, journals=cache, moved=end_it)
    assert list(cache.iterdir()) == []
    content = sent(store, path, journals=cache)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()


def test_without_a_journal_a_break_leaves_no_upload(tmp_path: Path) -> None:
    failing, _, _ = broken(tmp_path, the_nth("send", 3, Fault.REFUSED))
    with pytest.raises(StoreUnreachableError):
        sent(failing, a_file(tmp_path / "movie.mrc", 5))
    assert folder_store(tmp_path)[1].uploads == []


@pytest.mark.parametrize("journals", [True, False])
def test_an_upload_whose_completion_was_not_heard_of_is_complete(
    tmp_path: Path, *, journals: bool
) -> None:
    failing, store, _ = broken(tmp_path, the_nth("complete", 1, Fault.LOST))
    path = a_file(tmp_path / "movie.mrc", 3)
    content = sent(failing, path, journals=tmp_path / "cache" if journals else None)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()


def test_an_upload_that_was_completed_and_not_noted_is_not_sent_again(tmp_path: Path) -> None:
    store, parts = folder_store(tmp_path)
    path, cache = a_file(tmp_path / "movie.mrc", 3), tmp_path / "cache"
    content = sent(store, path, journals=cache)
    (journal,) = cache.iterdir()
    lines = journal.read_bytes().splitlines(keepends=True)
    for kept in (len(lines), len(lines) - 1):
        journal.write_bytes(b"".join(lines[:kept]))
        assert sent(store, path, journals=cache) == content
    assert len(parts.log) == 3


def _written_behind_its_time(path: Path) -> None:
    found = path.stat()
    with path.open("r+b") as file:
        file.write(b"other bytes")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize("encoding", [Encoding.NONE, Encoding.AUTO])
def test_what_was_sent_of_a_file_that_was_written_behind_its_time_is_sent_again(
    tmp_path: Path, encoding: Encoding
) -> None:
    failing, store, _ = broken(tmp_path, the_nth("send", 6, Fault.REFUSED))
    path = a_file(tmp_path / "movie.mrc", 10 if encoding is Encoding.NONE else 30, counts=True)
    cache = tmp_path / "cache"
    with pytest.raises(StoreUnreachableError):
        sent(failing, path, encoding=encoding, journals=cache)
    _written_behind_its_time(path)
    content = sent(store, path, encoding=encoding, journals=cache)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()
    parts = folder_store(tmp_path)[1]
    assert [number for number in set(parts.log) if parts.log.count(number) > 1] == [1]
    assert parts.uploads == []


def test_what_has_arrived_is_not_told_of_a_file_that_was_written_behind_its_time(
    tmp_path: Path,
) -> None:
    store, cache = folder_store(tmp_path)[0], tmp_path / "cache"
    path = a_file(tmp_path / "movie.mrc", 3)
    sent(store, path, journals=cache)
    _written_behind_its_time(path)
    with pytest.raises(ObjectExistsError):  # so it gets another key
        sent(store, path, journals=cache)


@pytest.mark.parametrize("change", [_write, _grow, _replace])
def test_an_upload_of_a_file_that_changed_since_is_aborted(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    failing, store, _ = broken(tmp_path, the_nth("send", 3, Fault.REFUSED))
    path, cache = a_file(tmp_path / "movie.mrc", 4), tmp_path / "cache"
    os.utime(path, ns=(1_600_000_000_000_000_000, 1_600_000_000_000_000_000))
    with pytest.raises(StoreUnreachableError):
        sent(failing, path, journals=cache)
    change(path)
    content = sent(store, path, journals=cache)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()
    assert folder_store(tmp_path)[1].uploads == []


def test_parts_that_the_store_has_not_as_they_were_sent_are_sent_again(tmp_path: Path) -> None:
    failing, store, _ = broken(tmp_path, the_nth("send", 4, Fault.REFUSED))
    path, cache = a_file(tmp_path / "movie.mrc", 4), tmp_path / "cache"
    with pytest.raises(StoreUnreachableError):
        sent(failing, path, journals=cache)
    lost, other = sorted((tmp_path / "uploads").glob("*/part-*"))[:2]
    lost.unlink()
    other.write_bytes(bytes(other.stat().st_size))
    content = sent(store, path, journals=cache)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()


def test_an_upload_that_the_store_has_forgotten_begins_anew(tmp_path: Path) -> None:
    failing, store, _ = broken(tmp_path, the_nth("send", 3, Fault.REFUSED))
    path, cache = a_file(tmp_path / "movie.mrc", 4), tmp_path / "cache"
    with pytest.raises(StoreUnreachableError):
        sent(failing, path, journals=cache)
    parts = folder_store(tmp_path)[1]
    parts.abort(FULL, parts.uploads[0])
    content = sent(store, path, journals=cache)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-7],
        lambda data: data[:1],
        lambda data: b"",
        lambda data: b"not JSON\n" + data,
        lambda data: data.replace(b'"v": 1', b'"v": 99'),
        lambda data: data.replace(b'"number": 1,', b'"number": "one",'),
        lambda data: data + b'[]\n{"part": 5}\n',
    ],
)
def test_a_damaged_journal_is_believed_up_to_the_damage(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    failing, store, _ = broken(tmp_path, the_nth("send", 4, Fault.REFUSED))
    path, cache = a_file(tmp_path / "movie.mrc", 6), tmp_path / "cache"
    with pytest.raises(StoreUnreachableError):
        sent(failing, path, journals=cache)
    (journal,) = cache.iterdir()
    journal.write_bytes(damage(journal.read_bytes()))
    content = sent(store, path, journals=cache)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()
    assert sent(store, path, journals=cache) == content


def test_who_sends_the_same_file_at_the_same_time_gets_along_without_the_journal(
    tmp_path: Path,
) -> None:
    store, parts = folder_store(tmp_path, lasts_s=0.2)
    path, cache = a_file(tmp_path / "movie.mrc", 3), tmp_path / "cache"
    kept: list[Content] = []

    def keep() -> None:
        with engine(journals=cache) as used:
            kept.append(keep_file(store, path, project=PROJECT, key=KEY, engine=used)[1])

    threads = [threading.Thread(target=keep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept[0] == kept[1]
    assert placed(store, kept[0], tmp_path / "there") == path.read_bytes()
    assert parts.uploads == []


def test_a_part_that_lands_late_does_no_harm(tmp_path: Path) -> None:
    failing, store, late = broken(tmp_path, the_nth("send", 2, Fault.LATE))
    path, cache = a_file(tmp_path / "movie.mrc", 4), tmp_path / "cache"
    with pytest.raises(StoreUnreachableError):
        sent(failing, path, journals=cache)
    late.land()
    content = sent(store, path, journals=cache)
    assert placed(store, content, tmp_path / "there") == path.read_bytes()


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
    from blake3 import blake3  # noqa: PLC0415

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


def test_parts_that_became_too_small_for_a_store_are_filled_up(tmp_path: Path) -> None:
    store, path = MemoryStore(), tmp_path / "empty.mrc"
    with path.open("wb") as file:
        file.truncate(33 * BLOCK_BYTES)
    content = sent(store, path, encoding=Encoding.AUTO)
    assert content.stored > store.parts.least_bytes
    place_file(store, PROJECT, Entry(path="f", content=content), tmp_path / "there")
    assert (tmp_path / "there").stat().st_size == path.stat().st_size


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
