"""Small files, encoded where that is worth it."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from cryoem_cloud.model.digest import block_digest, digest_of_blocks
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import FormatError, SourceChangedError
from cryoem_cloud.model.file import BLOCK_BYTES, Codec, Content, Entry, Part
from cryoem_cloud.mover.codec import ZSTD, encoded
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.pull import fetch_bytes, fetch_files, place_bytes, place_file
from cryoem_cloud.mover.push import keep_file, send_file
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.memory import MemoryStore
from tests.mover.large import KEY, PROJECT, a_file, engine, placed, sent


@pytest.mark.parametrize("encoding", [Encoding.AUTO, Encoding.PLAIN])
@pytest.mark.parametrize("blocks", [0.01, 0.7, 1])
def test_a_small_file_comes_back_as_it_was(
    tmp_path: Path, encoding: Encoding, blocks: float
) -> None:
    store, path = MemoryStore(), a_file(tmp_path / "movie.mrc", blocks, counts=True)
    told: list[int] = []
    content = sent(store, path, encoding=encoding, moved=told.append)
    assert sum(told) == content.size == path.stat().st_size
    assert content.stored < content.size / 3
    assert content.digest.startswith("blake3:")
    assert placed(store, content, tmp_path / "there") == path.read_bytes()
    entry = Entry(path="f", content=content)
    fetch_files(store, PROJECT, [(entry, tmp_path / "new" / "f")])
    assert (tmp_path / "new" / "f").read_bytes() == path.read_bytes()
    data = store.get(f"{PROJECT}/{content.key}")
    place_bytes(data, entry, tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == path.read_bytes()
    assert fetch_bytes(store, PROJECT, content) == path.read_bytes()


def test_a_tiny_file_is_sent_as_it_is(tmp_path: Path) -> None:
    path = a_file(tmp_path / "movie.mrc", 1000 / BLOCK_BYTES, counts=True)
    assert sent(MemoryStore(), path, encoding=Encoding.AUTO).codecs == ()


def test_a_file_is_not_encoded_for_a_store_on_this_computer(tmp_path: Path) -> None:
    store, path = DirectoryStore(tmp_path / "store"), a_file(tmp_path / "f.mrc", 1, counts=True)
    with engine(encoding=Encoding.AUTO) as used:
        content = keep_file(store, path, project=PROJECT, key=KEY, engine=used)[1]
    assert content.codecs == ()


def test_the_same_bytes_are_found_under_a_taken_key(tmp_path: Path) -> None:
    store, path = MemoryStore(), a_file(tmp_path / "movie.mrc", 0.5, counts=True)
    other = a_file(tmp_path / "other.mrc", 0.5, counts=True)
    with engine(encoding=Encoding.AUTO) as used:
        kept = [
            keep_file(store, each, project=PROJECT, key=KEY, engine=used)[1]
            for each in (path, path, other, other, path)
        ]
    assert kept[0] == kept[1] == kept[4] != kept[2] == kept[3]
    assert len(list(store.list(""))) == 2


def test_a_file_that_changes_while_it_is_encoded_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, path = MemoryStore(), a_file(tmp_path / "movie.mrc", 0.5, counts=True)
    with engine(encoding=Encoding.AUTO) as used:
        real = used.encoded

        def encoded(view: memoryview, use: object) -> list[bytes]:
            path.write_bytes(b"others")
            return real(view, use)  # type: ignore[arg-type]

        monkeypatch.setattr(used, "encoded", encoded)
        with pytest.raises(SourceChangedError):
            keep_file(store, path, project=PROJECT, key=KEY, engine=used)
    assert list(store.list("")) == []


def test_files_that_are_sent_as_they_are_share_the_memory(tmp_path: Path) -> None:
    paths = [a_file(tmp_path / f"{n}.eer", 0.5) for n in range(12)]
    most = 2 * BLOCK_BYTES
    with Engine(memory_bytes=most, streams=8) as used, ThreadPoolExecutor(8) as pool:
        held: list[int] = []
        at_once = Barrier(4)  # halves of a block, on their way

        class Watched(MemoryStore):
            def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
                at_once.wait(60)
                held.append(sum(used.pool.bytes))
                at_once.wait(60)
                super().put(key, data, if_absent=if_absent)

        store = Watched()
        send = partial(send_file, store, project=PROJECT, engine=used)
        sent_ones = list(pool.map(lambda path: send(path, key=path.name), paths))
    assert max(held) == most
    for path, (_, content) in zip(paths, sent_ones, strict=True):
        assert content == send_file(MemoryStore(), path, project=PROJECT, key=path.name)[1]
        assert store.get(f"{PROJECT}/{path.name}") == path.read_bytes()


def test_a_file_that_is_cut_while_it_is_sent_as_it_is_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, path = MemoryStore(), a_file(tmp_path / "movie.eer", 0.5)
    real = os.pread

    def pread(descriptor: int, size: int, start: int) -> bytes:
        os.truncate(path, 1000)
        return real(descriptor, size, start)

    monkeypatch.setattr(os, "pread", pread)
    with engine() as used, pytest.raises(SourceChangedError):
        send_file(store, path, project=PROJECT, key=KEY, engine=used)
    assert list(store.list("")) == []


def test_no_block_is_placed_for_which_there_is_no_digest(tmp_path: Path) -> None:
    store, data = MemoryStore(), os.urandom(BLOCK_BYTES)
    piece = b"".join(encoded(data, ZSTD, plain=True))
    store.put(f"{PROJECT}/mirror/a", piece + piece)
    content = Content(
        key="mirror/a",
        start=0,
        stored=2 * len(piece),
        size=2 * BLOCK_BYTES,
        digest=digest_of_blocks([block_digest(data)]),
        codecs=(Codec("zstd", {}),),
        parts=(
            Part(0, BLOCK_BYTES, 0, len(piece)),
            Part(BLOCK_BYTES, BLOCK_BYTES, len(piece), len(piece)),
        ),
    )
    with pytest.raises(FormatError, match="are not all"):
        place_file(store, PROJECT, Entry(path="a", content=content), tmp_path / "there")
    assert list(tmp_path.iterdir()) == []
