"""What a writer that was killed left beside its files goes; what somebody writes stays."""

import os
import time
from pathlib import Path

import pytest

from cryoem_cloud.model.file import BLOCK_BYTES, Entry
from cryoem_cloud.mover.beside import hold, is_part, part_of, remove_left
from cryoem_cloud.mover.engine import FETCH_BYTES, Engine
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.mover.push import send_file
from cryoem_cloud.stores.memory import MemoryStore


@pytest.fixture
def _late(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = time.time()
    monkeypatch.setattr(time, "time", lambda: now_s + 61)


def left(folder: Path) -> Path:
    part = part_of(folder / "movie.tiff")
    part.write_bytes(b"half")
    os.utime(part, (0, 0))  # as the file's, just before it gets its name
    return part


def test_only_our_own_names_are_parts(tmp_path: Path) -> None:
    assert is_part(part_of(tmp_path / "a").name)
    for name in (".cryoem", ".cryoem-0123456789abcdef.part~", ".cryoem-mine.part", "a.part"):
        assert not is_part(name)


def test_what_is_young_may_be_somebodys(tmp_path: Path) -> None:
    part = left(tmp_path)
    remove_left(tmp_path)
    assert part.exists()


@pytest.mark.usefixtures("_late")
def test_what_nobody_writes_goes(tmp_path: Path) -> None:
    part, readable = left(tmp_path), tmp_path / "movie.tiff"
    left(tmp_path).chmod(0o400)
    readable.write_bytes(b"whole")
    remove_left(tmp_path)
    assert (part.exists(), list(tmp_path.iterdir())) == (False, [readable])
    remove_left(tmp_path / "absent")


@pytest.mark.usefixtures("_late")
def test_what_somebody_writes_stays(tmp_path: Path) -> None:
    part = left(tmp_path)
    with part.open("r+b") as file:
        hold(file.fileno())
        remove_left(tmp_path)
        assert part.exists()
    remove_left(tmp_path)
    assert not part.exists()


@pytest.mark.usefixtures("_late")
@pytest.mark.parametrize("size", [BLOCK_BYTES // 2, BLOCK_BYTES + 1])
def test_a_file_that_comes_is_somebodys_at_each_byte(tmp_path: Path, size: int) -> None:
    store, source = MemoryStore(), tmp_path / "source"
    source.write_bytes(os.urandom(size))
    stamp, content = send_file(store, source, project="p-00000000", key="mirror/a")
    entry = Entry(path="a", mtime_ns=stamp.mtime_ns, mode=0o644, content=content)
    looks = 0

    def moved(_: int) -> None:
        nonlocal looks
        looks += 1
        remove_left(tmp_path)

    with Engine(memory_bytes=FETCH_BYTES) as engine:
        place_file(store, "p-00000000", entry, tmp_path / "there", moved=moved, engine=engine)
    assert looks
    assert (tmp_path / "there").read_bytes() == source.read_bytes()
