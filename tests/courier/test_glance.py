"""What can be seen of a cache that a courier may have open."""

import sqlite3
from pathlib import Path

import pytest

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.glance import sizes_known
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.memory import MemoryStore

PROJECT = "p"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "courier.sqlite"


@pytest.fixture
def cache(file: Path) -> Cache:
    """It has read that `a/1.mrc` has 5 bytes."""
    index = IndexLog(MemoryStore(), PROJECT)
    content = Content(key="mirror/a/1.mrc", start=0, stored=5, size=5, digest="blake3:" + "0" * 64)
    index.append("here", [Entry(path="a/1.mrc", content=content)])
    made = Cache(file)
    made.refresh(index, PROJECT)
    return made


def test_what_a_courier_knows_is_seen_while_it_has_the_file_open(cache: Cache, file: Path) -> None:
    before = file.read_bytes()
    many = [f"b/{number}" for number in range(1200)]
    assert sizes_known(file, PROJECT, [*many, "a/1.mrc"]) == {"a/1.mrc": 5}
    assert sizes_known(file, "other", ["a/1.mrc"]) == {}
    assert file.read_bytes() == before
    assert cache.entry(PROJECT, "a/1.mrc")


@pytest.mark.parametrize("version", [1, 99])
def test_of_another_version_nothing_is_known_and_it_stays(
    cache: Cache, file: Path, version: int
) -> None:
    with sqlite3.connect(file) as db:
        db.execute(f"pragma user_version = {version}")
    assert sizes_known(file, PROJECT, ["a/1.mrc"]) == {}
    assert file.exists()


def test_of_none_and_of_a_damaged_one_nothing_is_known(file: Path) -> None:
    assert sizes_known(file, PROJECT, ["a/1.mrc"]) == {}
    assert not file.exists()
    file.write_bytes(b"not a database" * 100)
    assert sizes_known(file, PROJECT, ["a/1.mrc"]) == {}
    assert file.exists()
