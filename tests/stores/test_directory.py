"""The directory store: the contract, and what only file systems can do to it."""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import (
    CryoemError,
    KeyClashError,
    NoSpaceError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores import exclusive
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.testing.store_contract import StoreContract

MIB = 1024 * 1024


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


class TestDirectoryStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return DirectoryStore(tmp_path / "store")


def _no_link(*_: object) -> None:
    raise OSError(errno.EPERM, "no hard links here")


class TestWithoutHardLinks(StoreContract):
    """As on a file system that has no hard links at all."""

    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
        monkeypatch.setattr(os, "link", _no_link)
        return DirectoryStore(tmp_path / "store")


class TestWithLinksInOneFolderOnly(StoreContract):
    """As on AFS."""

    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
        link = os.link

        def near(source: Path, target: Path) -> None:
            if source.parent != target.parent:
                raise OSError(errno.EXDEV, "another folder")
            link(source, target)

        monkeypatch.setattr(os, "link", near)
        monkeypatch.setattr(exclusive, "rename_exclusive", _no_link)
        return DirectoryStore(tmp_path / "store")


def test_a_file_system_that_can_do_neither_is_refused(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _no_link)
    monkeypatch.setattr(exclusive, "rename_exclusive", _no_link)
    with pytest.raises(StoreError, match="both take a task") as caught:
        store.put("a", b"x", if_absent=True)
    assert "S3" in caught.value.hint
    assert list(store.list("")) == []
    store.put("a", b"x")


def test_an_exclusive_rename_replaces_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"new")
    exclusive.rename_exclusive(source, target)
    source.write_bytes(b"newer")
    with pytest.raises(FileExistsError):
        exclusive.rename_exclusive(source, target)
    assert target.read_bytes() == b"new"


def test_a_store_that_vanished_is_unreachable_and_not_empty(store: DirectoryStore) -> None:
    store.put("a", b"x")
    store.root.rename(store.root.with_name("elsewhere"))
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.get("a"),
        lambda: store.size("a"),
        lambda: list(store.get_stream("a")),
        lambda: list(store.list("")),
        lambda: list(store.folders("")),
        lambda: store.delete("a"),
        lambda: store.put("a", b"y"),
        lambda: store.put_stream("a", (b"y",), size=1),
    )
    for call in calls:
        with pytest.raises(StoreUnreachableError, match="not there") as caught:
            call()
        assert "mounted" in caught.value.hint
    assert not store.root.exists()


def test_an_empty_mount_point_is_not_the_store(store: DirectoryStore) -> None:
    store.put("a", b"x")
    shutil.rmtree(store.root)
    store.root.mkdir()
    with pytest.raises(StoreUnreachableError):
        store.get("a")
    with pytest.raises(StoreUnreachableError):
        list(store.list(""))


def test_a_store_that_goes_while_it_is_written_to_is_not_begun_anew(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a disk that is unmounted between the look and the writing; all later writes wait."""
    store.put("p/a", b"1")
    look = DirectoryStore._must_be_there

    def look_and_go(self: DirectoryStore) -> None:
        look(self)
        monkeypatch.setattr(DirectoryStore, "_must_be_there", look)
        self.root.rename(self.root.with_name("away"))

    monkeypatch.setattr(DirectoryStore, "_must_be_there", look_and_go)
    for _ in range(2):
        with pytest.raises(StoreUnreachableError):
            store.put("p/b", b"2")
    assert not [path for path in store.root.rglob("*") if path.is_file()]
    assert not (store.root / "#parts").exists()


def test_a_store_that_is_not_made_yet_is_empty(store: DirectoryStore) -> None:
    assert list(store.list("")) == []
    assert list(store.folders("jobs/")) == []
    with pytest.raises(ObjectMissingError):
        store.get("a")
    store.delete("a")
    assert not store.root.exists()


def test_another_process_makes_the_store_while_we_look(store: DirectoryStore) -> None:
    other = DirectoryStore(store.root)
    other.put("a", b"x")
    assert store.get("a") == b"x"


@pytest.mark.parametrize("if_absent", [False, True])
def test_a_file_and_a_folder_of_one_name_are_told_apart(
    store: DirectoryStore, *, if_absent: bool
) -> None:
    store.put("file", b"x")
    store.put("folder/a", b"x")
    for key in ("file/below", "file/far/below", "folder"):
        with pytest.raises(KeyClashError, match="cannot be"):
            store.put(key, b"y", if_absent=if_absent)
    assert store.get("file") == b"x"
    assert store.get("folder/a") == b"x"


def test_an_empty_folder_that_a_killed_writer_left_is_in_nobodys_way(store: DirectoryStore) -> None:
    store.put("b", b"x")
    (store.root / "a").mkdir()
    store.put("a", b"x", if_absent=True)
    assert store.get("a") == b"x"


def test_a_name_that_is_too_long_for_the_file_system_is_told(store: DirectoryStore) -> None:
    with pytest.raises(StoreError, match="too long") as caught:
        store.put("x" * 256, b"x")
    assert type(caught.value) is StoreError
    assert caught.value.hint


def test_writers_and_deleters_of_one_folder_do_not_disturb_each_other(
    store: DirectoryStore,
) -> None:
    def work(number: int) -> None:
        for _ in range(40):
            store.put(f"deep/er/folder/{number}", b"x", if_absent=True)
            store.delete(f"deep/er/folder/{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(store.list("")) == []


def test_a_killed_writer_leaves_no_object_and_its_part_is_swept(store: DirectoryStore) -> None:
    script = """
import os, sys
from pathlib import Path
from cryoem_cloud.stores.directory import DirectoryStore
def chunks():
    yield b"half"
    os.kill(os.getpid(), 9)
DirectoryStore(Path(sys.argv[1])).put_stream("a", chunks(), size=8)
"""
    killed = subprocess.run([sys.executable, "-c", script, store.root], check=False, timeout=30)
    assert killed.returncode == -9
    parts = store.root / "#parts"
    (part,) = parts.iterdir()
    assert list(store.list("")) == []
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(part, (long_ago, long_ago))
    young = parts / "young"
    young.write_bytes(b"")
    DirectoryStore(store.root).put("b", b"x")
    assert list(parts.iterdir()) == [young]


def test_the_files_own_errors_are_not_the_stores(store: DirectoryStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.clone_in(tmp_path / "none", "a")
    with pytest.raises(ObjectMissingError):
        store.clone_out("none", tmp_path / "target")


def test_a_full_disk_is_told(tiny_disk: Path) -> None:
    store = DirectoryStore(tiny_disk / "store")
    store.put("small", b"x")

    def at_once() -> None:
        store.put("a", b"x" * 2 * MIB)

    def in_pieces() -> None:
        store.put_stream("a", (b"x" * MIB, b"x" * MIB), size=2 * MIB)

    for put in (at_once, in_pieces):
        with pytest.raises(NoSpaceError, match="No space left") as caught:
            put()
        assert "free some space" in caught.value.hint
    assert [found.key for found in store.list("")] == ["small"]
    store.put("after", b"x" * 1000)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() or sys.platform != "linux":
        pytest.skip("mounting a disk of 1 MiB needs root on Linux")
    point = tmp_path / "disk"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", point], check=True)
    yield point
    subprocess.run(["umount", "-l", point], check=True)


def test_a_store_mounted_read_only_is_denied(tiny_disk: Path) -> None:
    store = DirectoryStore(tiny_disk / "store")
    store.put("a", b"x")
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(StoreDeniedError) as caught:
        store.put("b", b"x")
    assert "read-only" in caught.value.hint
    assert store.get("a") == b"x"


def test_a_folder_that_may_not_be_written_is_denied(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    script = """
import os, sys
from pathlib import Path
from cryoem_cloud.model.errors import StoreDeniedError
from cryoem_cloud.stores.directory import DirectoryStore
if os.geteuid() == 0:
    os.setuid(65534)
try:
    DirectoryStore(Path(sys.argv[1])).put("a", b"x")
except StoreDeniedError as error:
    sys.exit(0 if "permissions" in error.hint else "no hint")
sys.exit("not denied")
"""
    tmp_path.chmod(0o755)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run(
        [sys.executable, "-c", script, closed / "store"],
        check=False,
        timeout=30,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_error_is_one_of_ours(store: DirectoryStore) -> None:
    store.put("a", b"x")
    with pytest.raises(CryoemError) as caught:
        store.put("a", b"x", if_absent=True)
    assert isinstance(caught.value, ObjectExistsError)
    assert store.url in str(caught.value)
