"""Archiving, stopped at any call: what is removed here is in the store, and the same goes on."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import ArchivedError, StoreUnreachableError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.mover.archiving import Archiver, Stored
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.pull import fetch_files, place_file
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault, FaultyStore

PROJECT, DATA = "p-1a2b3c4d", os.urandom(300_000)
KEY = f"{PROJECT}/mirror/a.mrc"


@dataclass
class Bench:
    """A project's folder with a file that the store has."""

    folder: Path
    store: MemoryStore
    entry: Entry

    @property
    def path(self) -> Path:
        return self.folder / "a.mrc"

    def archive(self, plan: Callable[[str, str], Fault] = lambda *_: Fault.NONE) -> str:
        """Move, and remove here; why the file stays."""
        store = FaultyStore(self.store, plan)
        assert store.classes
        with Engine(memory_bytes=2**26) as engine:
            archiver = Archiver(
                store=store,
                classes=store.classes,
                project=PROJECT,
                to=StorageClass.DEEP,
                room=self.folder,
                engine=engine,
            )
            moved = archiver.move(Stored(key="mirror/a.mrc", entries=(self.entry,)))
            if moved.why or not moved.sure:
                return moved.why or "not sure"
            return archiver.remove_here(self.entry, self.folder)

    @property
    def safe(self) -> bool:
        """Whether the bytes are somewhere."""
        there = self.store.bytes_of(KEY) == DATA
        return there or (self.path.exists() and self.path.read_bytes() == DATA)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    store, path = MemoryStore(), tmp_path / "a.mrc"
    path.write_bytes(DATA)
    stamp, content = keep_file(store, path, project=PROJECT, key="mirror/a.mrc")
    entry = Entry(path="a.mrc", content=content, mtime_ns=stamp.mtime_ns)
    return Bench(tmp_path, store, entry)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST])
def test_stopped_at_any_call_nothing_is_lost_and_it_goes_on(bench: Bench, fault: Fault) -> None:
    stopped, at = True, 0
    while stopped:
        at += 1
        calls = 0

        def plan(*_: str, at: int = at) -> Fault:
            nonlocal calls
            calls += 1
            return fault if calls == at else Fault.NONE

        try:
            assert bench.archive(plan) == ""
            stopped = False
        except StoreUnreachableError:
            assert bench.path.exists(), "it goes last"
        assert bench.store.bytes_of(KEY) == DATA
    assert at > 4
    assert not bench.path.exists()
    assert bench.store.classes.kept(KEY).kept is StorageClass.DEEP


def test_what_is_there_in_other_bytes_is_not_moved(bench: Bench) -> None:
    bench.store.put(KEY, bytes(len(DATA)))
    assert bench.archive() == "a.mrc is damaged in the store"
    assert bench.store.classes.kept(KEY).kept is StorageClass.STANDARD
    assert bench.path.read_bytes() == DATA


def test_what_has_other_bytes_at_the_same_time_and_size_stays(bench: Bench) -> None:
    bench.path.write_bytes(bytes(len(DATA)))
    os.utime(bench.path, ns=(bench.entry.mtime_ns, bench.entry.mtime_ns))
    assert bench.archive() == "it has other bytes than were stored"
    assert bench.path.read_bytes() == bytes(len(DATA))


def test_what_was_moved_on_its_way_to_other_bytes_is_told(bench: Bench) -> None:
    def replaced(call: str, _: str) -> Fault:
        if call == "move":
            return Fault.LOST
        return Fault.NONE

    with pytest.raises(StoreUnreachableError):
        bench.archive(replaced)
    bench.store.put(KEY, bytes(len(DATA)))
    tag = bench.store.classes.kept(KEY).tag
    bench.store.classes.move(KEY, StorageClass.DEEP, tag=tag)
    assert bench.archive() == "not sure"
    assert bench.path.read_bytes() == DATA


def test_a_file_behind_a_linked_folder_stays(bench: Bench) -> None:
    (bench.folder / "real").mkdir()
    (bench.folder / "linked").symlink_to("real")
    bench.path.rename(bench.folder / "real" / "a.mrc")
    bench.entry = replace(bench.entry, path="linked/a.mrc")
    assert bench.archive() == "it lies behind a link"
    assert (bench.folder / "real" / "a.mrc").read_bytes() == DATA


def test_what_is_another_one_after_the_move_is_told_and_stays(bench: Bench) -> None:
    looks = 0

    def damage(call: str, _: str) -> Fault:
        nonlocal looks
        looks += call == "told"
        if call == "told" and looks == 2:
            bench.store.put(KEY, bytes(len(DATA)))
        return Fault.NONE

    assert bench.archive(damage) == "it is another one now: cryoem verify"
    assert bench.path.read_bytes() == DATA


def test_who_reads_it_is_told_which_file_it_is_and_what_to_do(bench: Bench) -> None:
    assert bench.archive() == ""
    with pytest.raises(ArchivedError, match=r"a\.mrc is archived \(cryoem storage restore a\.mrc"):
        place_file(bench.store, PROJECT, bench.entry, bench.path)
    other = replace(bench.entry, path="b.mrc")
    wanted = [(bench.entry, bench.path), (other, bench.folder / "b.mrc")]
    with pytest.raises(ArchivedError, match=r"a\.mrc is archived"):
        fetch_files(bench.store, PROJECT, wanted)
    assert not bench.path.exists()
    bench.store.classes.restore(KEY, days=1, bulk=True)
    with pytest.raises(ArchivedError):
        place_file(bench.store, PROJECT, bench.entry, bench.path)
    bench.store.classes.restored()
    fetch_files(bench.store, PROJECT, wanted)
    assert bench.path.read_bytes() == DATA


def test_what_changes_while_the_store_is_asked_stays(bench: Bench) -> None:
    assert bench.archive(lambda *_: Fault.NONE) == ""
    bench.path.write_bytes(DATA)
    os.utime(bench.path, ns=(bench.entry.mtime_ns, bench.entry.mtime_ns))
    moves = 0

    def write(call: str, _: str) -> Fault:
        nonlocal moves
        moves += call == "told"
        if call == "told" and moves == 2:  # the last look at the store, before the file goes
            with bench.path.open("r+b") as file:
                file.write(b"new")
            os.utime(bench.path, ns=(bench.entry.mtime_ns, bench.entry.mtime_ns))
        return Fault.NONE

    assert bench.archive(write) == "it changed while it was read"
    assert bench.path.read_bytes()[:3] == b"new"


def test_what_is_gone_from_the_store_meanwhile_stays_here(bench: Bench) -> None:
    assert bench.archive() == ""
    bench.path.write_bytes(DATA)
    os.utime(bench.path, ns=(bench.entry.mtime_ns, bench.entry.mtime_ns))
    looks = 0

    def lose(call: str, _: str) -> Fault:
        nonlocal looks
        looks += call == "told"
        if call == "told" and looks == 2:
            bench.store.delete(KEY)
        return Fault.NONE

    assert bench.archive(lose) == "it is missing in the store"
    assert bench.path.read_bytes() == DATA


def test_without_recorded_checksums_it_is_read_and_moved_and_the_file_stays(bench: Bench) -> None:
    assert bench.entry.content
    bench.entry = replace(bench.entry, content=replace(bench.entry.content, checks=()))
    assert bench.archive() == "not sure"
    assert bench.store.classes.kept(KEY).kept is StorageClass.DEEP
    assert bench.path.read_bytes() == DATA


def test_a_file_behind_a_link_stays(bench: Bench, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bench.path.rename(elsewhere / "a.mrc")
    bench.path.symlink_to(elsewhere / "a.mrc")
    assert bench.archive() == "it is no file of its own"
    assert (elsewhere / "a.mrc").read_bytes() == DATA
