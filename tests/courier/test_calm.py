"""A folder into which a microscope writes while it is sent: no file is stored that is not whole."""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.calm import send_calmly
from cryoem_cloud.courier.sending.upload import WRITTEN, Upload
from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.model.file import Stamp
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover import bundle
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.mover.pull import fetch_bytes
from cryoem_cloud.mover.source import Source
from cryoem_cloud.stores.memory import MemoryStore

LARGE = 40_000_000


@dataclass
class Scope:
    """A project's folder, what is sent of it, and what happens while a push rests."""

    top: Path
    rests: list[Callable[[], object]] = field(default_factory=list)
    store: MemoryStore = field(default_factory=MemoryStore)
    moved: Callable[[int], None] = lambda _: None

    def __post_init__(self) -> None:
        self.folder = self.top / "project"
        self.folder.mkdir()
        self.project = Project(name="p-00000000", store="memory://", folder=self.folder)
        self.cache = Cache(self.top / "cache.sqlite")
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        for happens in self.rests:
            happens()

    def upload(self, *, alive: bool = True) -> Upload:
        return Upload(
            store=self.store,
            project=self.project,
            cache=self.cache,
            by_reference=False,
            moved=self.moved,
            engine=Engine(memory_bytes=SEND_BYTES),
            alive=alive,
        )

    def push(self, *names: str) -> dict[str, str]:
        """What is left out."""
        upload = self.upload()
        send_calmly(upload, "push", [Need(path=name, asked_by="push") for name in names])
        return upload.left_out

    def stored(self, name: str) -> bytes | None:
        entry = self.cache.entry(self.project.name, name)
        if entry is None or entry.content is None:
            return None
        return fetch_bytes(self.store, self.project.name, entry.content)


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    made = Scope(tmp_path)
    monkeypatch.setattr("cryoem_cloud.courier.sending.calm.time.sleep", made.sleep)
    monkeypatch.setattr("cryoem_cloud.mover.settling._is_on_a_disk", lambda _: True)
    return made


def test_what_is_whole_is_sent_without_a_rest(scope: Scope) -> None:
    (scope.folder / "m1").write_bytes(b"movie")
    assert scope.push("m1") == {}
    assert scope.stored("m1") == b"movie"
    assert scope.slept == []


def test_what_becomes_whole_meanwhile_is_sent_last(scope: Scope) -> None:
    (scope.folder / "m1").write_bytes(b"movie")
    with (scope.folder / "m2").open("wb", buffering=0) as writer:
        writer.write(b"mo")
        scope.rests = [lambda: writer.write(b"vie"), writer.close]
        assert scope.push("m1", "m2") == {}
    assert scope.stored("m1") == scope.stored("m2") == b"movie"
    assert scope.slept == [3.0]


def test_what_is_still_open_is_left_for_the_next_push(scope: Scope) -> None:
    (scope.folder / "m1").write_bytes(b"movie")
    with (scope.folder / "m2").open("wb", buffering=0) as writer:
        writer.write(b"mo")
        assert scope.push("m1", "m2") == {"m2": WRITTEN}
        assert scope.stored("m1") == b"movie"
        assert scope.stored("m2") is None
        writer.write(b"vie")
    assert scope.push("m1", "m2") == {}
    assert scope.stored("m2") == b"movie"


def test_where_nobody_knows_who_writes_a_file_has_to_rest(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fcntl, "F_SETLEASE")
    path = scope.folder / "m1"
    path.write_bytes(b"mo")
    scope.rests = [lambda: os.utime(path, ns=(1, 1))]  # as if it had rested
    assert scope.push("m1") == {}
    assert scope.slept == [3.0]
    path.write_bytes(b"mov")
    scope.rests = [lambda: path.write_bytes(b"movie")]
    assert scope.push("m1") == {"m1": WRITTEN}
    assert scope.stored("m1") == b"mo"


@pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])
def test_what_changes_while_it_is_read_is_left_out_and_all_else_sent(
    scope: Scope, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number:02d}" for number in range(20)]
    for name in names:
        (scope.folder / name).write_bytes(name.encode() * 500)
    changing = scope.folder / "10"
    changing.write_bytes(bytes(size))
    scope.moved = lambda _: changing.touch()  # while its parts are sent
    read = bundle._read

    def changed_and_read(path: Path) -> tuple[Stamp, bytes]:
        changing.touch()  # while others are read
        return read(path)

    whole = Source.whole

    def changed_and_whole(source: Source) -> tuple[bytes, str]:
        changing.touch()  # while it is sent alone
        return whole(source)

    monkeypatch.setattr(bundle, "_read", changed_and_read)
    monkeypatch.setattr(Source, "whole", changed_and_whole)
    assert scope.push(*names) == {"10": WRITTEN}
    for name in names:
        assert scope.stored(name) == (None if name == "10" else name.encode() * 500)


def test_what_goes_away_is_left_out(scope: Scope) -> None:
    (scope.folder / "m1").write_bytes(b"movie")
    assert set(scope.push("m1", "tmp")) == {"tmp"}
    assert scope.stored("m1") == b"movie"


def test_jobs_do_not_run_without_what_changes(scope: Scope) -> None:
    path = scope.folder / "m1"
    path.write_bytes(bytes(LARGE))
    scope.moved = lambda _: path.touch()
    with pytest.raises(SourceChangedError):
        scope.upload(alive=False).entries("inputs", [Need(path="m1", asked_by="a job")])
