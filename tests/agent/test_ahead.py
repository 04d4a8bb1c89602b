"""What a machine fetches while a script runs, and what becomes of it."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.agent.ahead import Ahead
from cryoem_cloud.agent.fetch import lay_out
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.stores.memory import MemoryStore

PROJECT = "p-00000000"


class Watched(MemoryStore):
    """Says what was read; and may wait before it answers, or not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.away = False

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        self.gate.wait(30)
        if self.away:
            raise StoreUnreachableError("away")
        self.read.append(key)
        return super().get_stream(key, start=start, length=length)


def stored(store: MemoryStore, path: str, data: bytes, *, mode: int = 0o640) -> Entry:
    key = f"mirror/{path}"
    store.put(f"{PROJECT}/{key}", data)
    content = Content(key=key, start=0, stored=len(data), size=len(data), digest=digest_of(data))
    return Entry(path=path, mtime_ns=7_000_000_000, mode=mode, content=content)


@pytest.fixture
def store() -> Watched:
    return Watched()


def ahead_of(store: MemoryStore, folder: Path, *inputs: Entry) -> Ahead:
    return Ahead(store, PROJECT, folder / "ahead", likely=lambda: inputs)


def fetched(ahead: Ahead) -> None:
    """Begin, and wait until all is there."""
    ahead.begin()
    assert ahead._thread is not None
    ahead._thread.join()


def test_what_was_fetched_is_laid_out_without_asking_again(store: Watched, tmp_path: Path) -> None:
    movie = stored(store, "Movies/m1.tif", b"a movie")
    other = stored(store, "Movies/m2.tif", b"another")
    ahead = ahead_of(store, tmp_path, movie)
    fetched(ahead)
    root = tmp_path / "project"
    lay_out(
        [movie, other, Entry(path="stub", kind=Kind.STUB)],
        store=store,
        project=PROJECT,
        root=root,
        outputs=("out",),
        ahead=ahead,
    )
    assert (root / "Movies/m1.tif").read_bytes() == b"a movie"
    assert (root / "Movies/m2.tif").read_bytes() == b"another"
    assert store.read == [f"{PROJECT}/mirror/Movies/m1.tif", f"{PROJECT}/mirror/Movies/m2.tif"]
    found = (root / "Movies/m1.tif").stat()
    assert (found.st_mtime_ns, found.st_mode & 0o777) == (7_000_000_000, 0o640)


def test_the_same_bytes_under_another_name_have_its_time_and_rights(
    store: Watched, tmp_path: Path
) -> None:
    ahead = ahead_of(store, tmp_path, stored(store, "a", b"bytes"))
    fetched(ahead)
    other = Entry(path="b", mtime_ns=1, mode=0o600, content=stored(store, "a", b"bytes").content)
    assert ahead.take(other, tmp_path / "b")
    assert (tmp_path / "b").stat().st_mtime_ns == 1
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    assert not ahead.take(other, tmp_path / "c")  # it was taken


def test_what_a_turn_did_not_want_goes_when_the_next_is_looked_forward_to(
    store: Watched, tmp_path: Path
) -> None:
    inputs = [stored(store, "a", b"a")]
    ahead = Ahead(store, PROJECT, tmp_path / "ahead", likely=lambda: inputs)
    fetched(ahead)
    inputs[:] = [stored(store, "b", b"b")]
    fetched(ahead)
    assert [path.read_bytes() for path in (tmp_path / "ahead").iterdir()] == [b"b"]


def test_it_ends_after_what_is_on_its_way(store: Watched, tmp_path: Path) -> None:
    inputs = [stored(store, f"m{n}", b"%d" % n) for n in range(100)]
    ahead = ahead_of(store, tmp_path, *inputs)
    store.gate.clear()
    ahead.begin()
    threading.Timer(0.2, store.gate.set).start()
    ahead.end()
    assert len(store.read) <= 16
    assert len(list((tmp_path / "ahead").iterdir())) == len(store.read)


def test_it_fills_no_disk(store: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = [stored(store, f"m{n}", bytes(10)[: 10 - n]) for n in range(3)]
    usage = shutil._ntuple_diskusage(1000, 920, 80)  # of 80 free a quarter
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    ahead = ahead_of(store, tmp_path, *inputs)
    fetched(ahead)
    assert sorted(store.read) == [f"{PROJECT}/mirror/m0", f"{PROJECT}/mirror/m1"]


def test_a_store_that_is_away_keeps_nobody_from_working(store: Watched, tmp_path: Path) -> None:
    movie = stored(store, "a", b"a")
    store.away = True
    ahead = ahead_of(store, tmp_path, movie)
    fetched(ahead)
    assert not ahead.take(movie, tmp_path / "a")
