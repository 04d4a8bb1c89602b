"""A store of several people stays open to all of them, whatever umask its writers have."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.stores.directory import DirectoryStore


@pytest.fixture(autouse=True)
def _careful() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def store_with(top: Path, mode: int) -> DirectoryStore:
    top.mkdir()
    top.chmod(mode)
    return DirectoryStore(top)


def fill(store: DirectoryStore, source: Path) -> None:
    store.put("a/b/one", b"1")
    store.put("a/b/two", b"2", if_absent=True)
    store.put_stream("c/three", (b"3",), size=1)
    source.write_bytes(b"4")
    if not store.clone_in(source, "c/four"):
        store.put("c/four", b"4")


def modes(top: Path) -> tuple[set[int], set[int]]:
    """Of the folders and of the files below a folder."""
    made = list(top.rglob("*"))
    folders, files = set[int](), set[int]()
    for path in made:
        (folders if path.is_dir() else files).add(path.stat().st_mode & 0o7777)
    return folders, files


@pytest.mark.parametrize(
    ("top", "folders", "files"),
    [
        (0o2775, 0o2770, 0o660),
        (0o2770, 0o2770, 0o660),
        (0o0777, 0o0777, 0o666),
        (0o0755, 0o0700, 0o600),
        (0o0700, 0o0700, 0o600),
    ],
)
def test_who_may_write_the_top_folder_may_write_what_is_in_it(
    tmp_path: Path, top: int, folders: int, files: int
) -> None:
    store = store_with(tmp_path / "store", top)
    fill(store, tmp_path / "source")
    assert modes(store.root) == ({folders}, {files})
    assert store.get("a/b/one") == b"1"


def test_a_folder_of_another_group_is_not_opened_to_that(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files to another group")
    store = store_with(tmp_path / "store", 0o775)
    os.chown(store.root, -1, 12345)  # without the 2 of 2775, what is made is of our own group
    fill(store, tmp_path / "source")
    assert modes(store.root) == ({0o700}, {0o600})


def test_a_folder_has_its_rights_when_it_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_with(tmp_path / "store", 0o2775)
    rename, seen = Path.rename, list[int]()

    def killed(source: Path, target: Path) -> Path:
        if target.name == "b":
            seen.append(source.stat().st_mode & 0o7777)
            raise KeyboardInterrupt
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        store.put("a/b/one", b"1")
    monkeypatch.undo()
    assert seen == [0o2770]
    assert not (store.root / "a/b").exists()
    assert list(store.folders("")) == []
    store.put("a/b/one", b"1")
    assert [listed.key for listed in store.list("")] == ["a/b/one"]
