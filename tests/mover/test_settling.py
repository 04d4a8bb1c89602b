"""Which files are whole: quiet, and open to nobody who writes."""

import fcntl
import os
import signal
import threading
from pathlib import Path

import pytest

from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover import settling
from cryoem_cloud.mover.settling import (
    OPEN_QUIET_S,
    QUIET_S,
    Settling,
    is_open_to_write,
    may_be_written,
)
from cryoem_cloud.mover.stamp import stamp_of


def settled(watch: Settling, path: Path, now_s: float) -> bool:
    watch.look()
    return watch.is_settled(path, stamp_of(path), now_s)


def test_a_file_is_whole_once_it_is_quiet_and_closed(tmp_path: Path) -> None:
    path, watch = tmp_path / "movie.mrc", Settling()
    with path.open("wb", buffering=0) as file:
        file.write(b"header")
        assert not settled(watch, path, 0.0)
        assert not settled(watch, path, QUIET_S)  # its program has it open
    assert settled(watch, path, QUIET_S)
    path.write_bytes(b"other")
    assert not settled(watch, path, 3.0)
    assert settled(watch, path, 3.0 + QUIET_S)


def test_what_stays_open_is_whole_after_longer(tmp_path: Path) -> None:
    path, watch = tmp_path / "program.log", Settling()
    with path.open("wb", buffering=0) as file:
        file.write(b"line")
        assert not settled(watch, path, 0.0)
        assert not settled(watch, path, OPEN_QUIET_S - 0.1)
        assert settled(watch, path, OPEN_QUIET_S)


@pytest.mark.parametrize("size", [BLOCK_BYTES, BLOCK_BYTES + 1])
def test_what_stays_open_and_changes_again_and_again_may_be_a_log(
    tmp_path: Path, size: int
) -> None:
    path, watch, found = tmp_path / "program.log", Settling(), []
    with path.open("wb", buffering=0) as file:
        file.truncate(size)
        for second in range(20):
            if second % 3 == 0:
                os.utime(path, ns=(second, second))
            found.append(settled(watch, path, float(second)))
    assert found == [size == BLOCK_BYTES and n >= 15 and n % 3 > 0 for n in range(20)]


def test_small_files_are_not_waited_for_though_they_are_open(tmp_path: Path) -> None:
    path, watch = tmp_path / "program.log", Settling(small_bytes=4)
    with path.open("wb", buffering=0) as file:
        file.write(b"line")
        assert not settled(watch, path, 0.0)
        assert settled(watch, path, QUIET_S)
        file.write(b"s")
        assert not settled(watch, path, 2.0)
        assert not settled(watch, path, 2.0 + QUIET_S)


def test_a_small_file_that_is_never_quiet_is_whole_now_and_then(tmp_path: Path) -> None:
    path, watch = tmp_path / "model.star", Settling(small_bytes=1000)
    found = []
    for look in range(40):
        path.write_bytes(b"x" * (look + 1))
        watch.look()
        found.append(watch.is_settled(path, stamp_of(path), look / 10))
        if found[-1]:
            watch.look()  # it was sent, and is not looked at
    assert found.index(True) == 30
    large = Settling(small_bytes=1)
    path.write_bytes(b"xx")
    for look in range(40):
        os.utime(path, ns=(look, look))
        assert not settled(large, path, look / 10)
    watch = Settling(small_bytes=1000)
    with path.open("wb"):
        assert not settled(watch, path, 1000.0)
        os.utime(path, ns=(1, 1))
        assert not settled(watch, path, 1000.0 + QUIET_S - 0.1)
        os.utime(path, ns=(2, 2))
        assert not settled(watch, path, 1003.5)  # half of it may be there
        os.utime(path, ns=(3, 3))
        assert not settled(watch, path, 1014.9)
        os.utime(path, ns=(4, 4))
        assert settled(watch, path, 1015.0)  # a log


def test_what_was_not_seen_in_a_look_is_forgotten(tmp_path: Path) -> None:
    path, watch = tmp_path / "x", Settling()
    path.write_bytes(b"1")
    assert not settled(watch, path, 0.0)
    watch.look()
    assert not settled(watch, path, 10.0)


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b"])
def test_who_has_a_file_open_to_write_is_noticed(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"1")
    assert not is_open_to_write(path)
    with path.open("rb"):
        assert not is_open_to_write(path)
    with path.open(mode):
        assert is_open_to_write(path)
    assert not is_open_to_write(path)


def test_off_our_own_disks_another_computer_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"1")
    monkeypatch.setattr(settling, "_is_on_a_disk", lambda _: False)
    assert is_open_to_write(path) is None
    with path.open("ab"):
        assert is_open_to_write(path)
    monkeypatch.setattr(settling, "_is_on_a_disk", lambda _: True)
    assert is_open_to_write(path) is False


def test_what_a_disk_is_known_by() -> None:
    for disk in Path("/sys/dev/block").glob("*:*"):
        major, minor = map(int, disk.name.split(":"))
        assert settling._is_on_a_disk(os.makedev(major, minor))
    assert not settling._is_on_a_disk(Path("/proc").stat().st_dev)


def test_of_what_cannot_be_opened_nothing_is_known(tmp_path: Path) -> None:
    assert is_open_to_write(tmp_path / "none") is None
    os.mkfifo(tmp_path / "pipe")
    assert is_open_to_write(tmp_path / "pipe") is None


def test_looking_harms_nobody_who_opens_the_file_at_that_instant(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    assert signal.getsignal(signal.SIGIO) is signal.SIG_DFL  # would end us
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            is_open_to_write(path)

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(2000):
        with path.open("ab", buffering=0) as file:
            file.write(b"x")
    over.set()
    thread.join()
    assert path.stat().st_size == 2000


def test_what_is_open_and_was_written_lately_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "_is_on_a_disk", lambda _: True)
    path = tmp_path / "x"
    with path.open("wb", buffering=0) as file:
        file.write(b"1")
        stamp = stamp_of(path)
        assert may_be_written(path, stamp, stamp.mtime_ns)
        assert may_be_written(path, stamp, stamp.mtime_ns + 59 * 10**9)
        assert not may_be_written(path, stamp, stamp.mtime_ns + 60 * 10**9)
    assert not may_be_written(path, stamp, stamp.mtime_ns)  # it is closed


def test_where_nobody_knows_who_has_it_open_its_age_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fcntl, "F_SETLEASE")
    path = tmp_path / "x"
    path.write_bytes(b"1")
    stamp = stamp_of(path)
    assert may_be_written(path, stamp, stamp.mtime_ns + 10**9)
    assert may_be_written(path, stamp, stamp.mtime_ns - 10**9)  # by another's clock
    assert not may_be_written(path, stamp, stamp.mtime_ns - 10**12)  # which is wrong
    assert not may_be_written(path, stamp, stamp.mtime_ns + 4 * 10**9)
