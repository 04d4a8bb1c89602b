"""Small files, encoded where that is worth it."""

from pathlib import Path

import pytest

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.model.file import BLOCK_BYTES, Entry
from cryoem_cloud.mover.pull import fetch_bytes, fetch_files, place_bytes
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.memory import MemoryStore
from tests.mover.test_parts import KEY, PROJECT, a_file, engine, placed, sent


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
