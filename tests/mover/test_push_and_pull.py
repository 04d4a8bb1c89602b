"""Files to objects and back: whole, verified, and never torn."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import (
    CorruptObjectError,
    FormatError,
    ObjectMissingError,
    RefusedError,
    SourceChangedError,
)
from cryoem_cloud.model.file import BLOCK_BYTES, Codec, Entry
from cryoem_cloud.mover.pull import fetch_bytes, fetch_files, place_file
from cryoem_cloud.mover.push import digest_file, keep_file, send_file
from cryoem_cloud.mover.space import require_space
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.memory import MemoryStore

PROJECT = "ribosome-00000000"


@pytest.fixture(params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryStore | DirectoryStore:
    return MemoryStore() if request.param == "memory" else DirectoryStore(tmp_path / "store")


def a_file(path: Path, data: bytes, *, mode: int = 0o640) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    return path


def entry_of(store: MemoryStore | DirectoryStore, file: Path, *, key: str = "mirror/f") -> Entry:
    stamp, content = send_file(store, file, project=PROJECT, key=key)
    return Entry(path="f", mtime_ns=stamp.mtime_ns, mode=0o640, content=content)


@pytest.mark.parametrize("size", [0, 1, 5_000_000, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_a_file_comes_back_as_it_was(
    store: MemoryStore | DirectoryStore, tmp_path: Path, size: int
) -> None:
    source = a_file(tmp_path / "movie.mrc", os.urandom(size))
    entry = entry_of(store, source)
    (tmp_path / "scratch").mkdir()
    place_file(store, PROJECT, entry, tmp_path / "scratch" / "movie.mrc")
    back = tmp_path / "scratch" / "movie.mrc"
    assert back.read_bytes() == source.read_bytes()
    assert back.stat().st_mtime_ns == source.stat().st_mtime_ns
    assert back.stat().st_mode == source.stat().st_mode
    assert bool(entry.content and entry.content.blocks) == (size > BLOCK_BYTES)


def test_an_object_is_no_hard_link_to_the_file(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    source = a_file(tmp_path / "movie.mrc", b"before")
    entry = entry_of(store, source)
    with source.open("r+b") as file:
        file.write(b"AFTER!")
    assert entry.content
    assert fetch_bytes(store, PROJECT, entry.content) == b"before"


def test_a_damaged_object_is_found_and_leaves_the_file_as_it_was(
    store: MemoryStore | DirectoryStore, tmp_path: Path
) -> None:
    entry = entry_of(store, a_file(tmp_path / "movie.mrc", b"x" * 1000))
    store.put(f"{PROJECT}/mirror/f", b"x" * 999 + b"y")
    target = a_file(tmp_path / "there", b"what was there")
    with pytest.raises(CorruptObjectError):
        place_file(store, PROJECT, entry, target)
    assert target.read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_small_files_in_one_object_come_by_one_request(tmp_path: Path) -> None:
    class Counting(MemoryStore):
        gets = 0

        def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
            self.gets += 1
            return super().get(key, start=start, length=length)

    store = Counting()
    datas = [bytes([number]) * 100 for number in range(20)]
    store.put(f"{PROJECT}/page", b"head" + b"".join(datas))
    wanted = []
    for number, data in enumerate(datas):
        lone = MemoryStore()
        entry = entry_of(lone, a_file(tmp_path / "one", data))
        assert entry.content
        content = replace(entry.content, key="page", start=4 + 100 * number)
        path = tmp_path / "scratch" / str(number)
        wanted.append((replace(entry, path=str(number), content=content), path))
    fetch_files(store, PROJECT, wanted)
    assert store.gets == 1
    assert [(tmp_path / "scratch" / str(n)).read_bytes() for n in range(20)] == datas


def test_a_file_that_grows_while_it_is_read_leaves_no_object(
    store: MemoryStore | DirectoryStore, tmp_path: Path
) -> None:
    source = a_file(tmp_path / "movie.mrc", os.urandom(9_000_000))

    def grow(_: int) -> None:
        with source.open("ab") as file:
            file.write(b"more")

    with pytest.raises(SourceChangedError):
        send_file(store, source, project=PROJECT, key="mirror/f", moved=grow)
    with pytest.raises(ObjectMissingError):
        store.size(f"{PROJECT}/mirror/f")


def test_other_bytes_of_the_same_path_get_a_key_of_their_own(
    store: MemoryStore | DirectoryStore, tmp_path: Path
) -> None:
    source = a_file(tmp_path / "particles.star", b"first")
    _, first = keep_file(store, source, project=PROJECT, key="mirror/f")
    source.write_bytes(b"second")
    _, second = keep_file(store, source, project=PROJECT, key="mirror/f")
    _, again = keep_file(store, source, project=PROJECT, key="mirror/f")
    assert first.key == "mirror/f"
    assert second.key == f"mirror/f~{second.digest.removeprefix('blake3:')[:8]}"
    assert again == second
    assert fetch_bytes(store, PROJECT, first) == b"first"
    assert fetch_bytes(store, PROJECT, second) == b"second"


def test_pipes_and_devices_are_refused(store: MemoryStore | DirectoryStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null"), tmp_path):
        with pytest.raises(RefusedError):
            send_file(store, path, project=PROJECT, key="mirror/f")


def test_a_codec_of_a_later_version_is_refused_by_name(
    store: MemoryStore | DirectoryStore, tmp_path: Path
) -> None:
    entry = entry_of(store, a_file(tmp_path / "movie.mrc", b"counts"))
    assert entry.content
    packed = replace(entry.content, codecs=(Codec("nibbles", {}),))
    with pytest.raises(FormatError, match="nibbles"):
        place_file(store, PROJECT, replace(entry, content=packed), tmp_path / "there")


def test_an_input_by_reference_is_read_where_it_lies_and_must_not_have_changed(
    tmp_path: Path,
) -> None:
    source = a_file(tmp_path / "movie.mrc", b"counts")
    stamp, digester = digest_file(source)
    sent = entry_of(MemoryStore(), source).content
    assert sent
    content = replace(sent, key=str(source), reference=True)
    entry = Entry(path="f", mtime_ns=stamp.mtime_ns, content=content)
    (tmp_path / "scratch").mkdir()
    place_file(MemoryStore(), PROJECT, entry, tmp_path / "scratch" / "f")
    assert (tmp_path / "scratch" / "f").resolve() == source
    assert digester.digest == content.digest
    source.write_bytes(b"others")
    with pytest.raises(CorruptObjectError, match="has changed"):
        place_file(MemoryStore(), PROJECT, entry, tmp_path / "scratch" / "f")


def test_missing_space_is_said_with_what_is_missing_where(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"sending needs .* in .*, where .* are free"):
        require_space(tmp_path / "not" / "yet" / "there", 2**60, purpose="sending")
    require_space(tmp_path, 1, purpose="sending")


@pytest.mark.parametrize("places", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a"), ("a", "a/b/c")])
@pytest.mark.parametrize("stem", ["mirror/", "jobs/00000007/out/main/000001/"])
def test_a_file_that_becomes_a_folder_and_a_folder_that_becomes_a_file_are_kept(
    store: MemoryStore | DirectoryStore, tmp_path: Path, stem: str, places: tuple[str, str]
) -> None:
    files = [a_file(tmp_path / str(n), data) for n, data in enumerate((b"one", b"two", b"three"))]
    keys = [stem + place for place in (*places, places[1])]
    for _ in range(2):
        kept = [
            keep_file(store, file, project=PROJECT, key=key)[1]
            for file, key in zip(files, keys, strict=True)
        ]
        assert len({content.key for content in kept}) == 3
        assert all(content.key.startswith(stem) for content in kept)
        for file, content in zip(files, kept, strict=True):
            assert store.get(f"{PROJECT}/{content.key}") == file.read_bytes()
    assert len(list(store.list(f"{PROJECT}/"))) == 3
