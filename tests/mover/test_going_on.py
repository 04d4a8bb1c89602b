"""Uploads of large files that broke off: gone on with, begun anew, or aborted."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import ObjectExistsError, StoreUnreachableError
from cryoem_cloud.model.file import Content
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault
from tests.mover.large import (
    FULL,
    KEY,
    PROJECT,
    a_file,
    engine,
    exchange,
    grow,
    placed,
    sent,
    write_into,
)
from tests.mover.parted import broken, folder_store, the_nth


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


@pytest.mark.parametrize("change", [write_into, grow, exchange])
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
