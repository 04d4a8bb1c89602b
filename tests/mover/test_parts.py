"""Large files to objects in parts: encoded or not, and left alone where they change."""

import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import ObjectExistsError, SourceChangedError
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Entry
from cryoem_cloud.mover.pull import fetch_bytes, fetch_files, place_file
from cryoem_cloud.mover.push import keep_file, send_file
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.memory import MemoryStore
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
    path = tmp_path / "f.eer"
    path.write_bytes(secrets.token_bytes(2 * BLOCK_BYTES))  # the blocks of `a_file` may be alike
    assert sent(MemoryStore(), path, encoding=Encoding.AUTO).codecs == ()


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


def _cut(path: Path) -> None:
    os.truncate(path, BLOCK_BYTES + 5)


@pytest.mark.parametrize("journals", [True, False])
@pytest.mark.parametrize("change", [write_into, _cut, grow, exchange, Path.unlink])
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


def test_parts_that_became_too_small_for_a_store_are_filled_up(tmp_path: Path) -> None:
    store, path = MemoryStore(), tmp_path / "empty.mrc"
    with path.open("wb") as file:
        file.truncate(33 * BLOCK_BYTES)
    content = sent(store, path, encoding=Encoding.AUTO)
    assert content.stored > store.parts.least_bytes
    place_file(store, PROJECT, Entry(path="f", content=content), tmp_path / "there")
    assert (tmp_path / "there").stat().st_size == path.stat().st_size
