"""The gain of a movie is verified before use: lost or damaged, it is found, and can be mended."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from cryoem_cloud.cli.files.verifying import Repairs, verdicts
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    FormatError,
    NoSpaceError,
    ObjectMissingError,
)
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover import gain_object
from cryoem_cloud.mover.codec import Way, decode_one, encoded
from cryoem_cloud.mover.verify import Finding, look_there
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.memory import MemoryStore
from tests.mover.codec.test_vectors import alone
from tests.mover.filmed import PROJECT, SIDE, an_engine, placed, sent


def test_a_lost_gain_is_found_before_anything_is_written(movie: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    content = sent(store, movie)
    store.delete(f"{PROJECT}/{content.gain}")
    with pytest.raises(ObjectMissingError, match="the gain is not in memory"):
        placed(store, content, tmp_path / "there")
    assert list(tmp_path.iterdir()) == []
    entry = Entry(path="f", content=content)
    found, _ = look_there(store, PROJECT, entry, room=tmp_path, told=store.told)
    assert found is Finding.MISSING


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda _: b"",
        lambda data: b"GIF89a" + data,
        lambda data: data[:100_000] + bytes([data[100_000] ^ 1]) + data[100_001:],
        lambda _: b"".join(encoded(bytes(4 * SIDE * SIDE), Way("planes4"))),
        lambda _: b"".join(encoded(bytes(2 * 1024 * 1024), Way("planes4"))),
        lambda data: data + b"".join(encoded(bytes(4), Way("planes4"))),
    ],
)
def test_a_damaged_gain_is_found_before_anything_is_written(
    movie: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    store = MemoryStore()
    content = sent(store, movie)
    key = f"{PROJECT}/{content.gain}"
    store.put(key, damage(store.get(key)))
    with pytest.raises(CorruptObjectError, match="the gain is damaged in memory"):
        placed(store, content, tmp_path / "there")
    assert list(tmp_path.iterdir()) == []
    entry = Entry(path="f", content=content)
    found, _ = look_there(store, PROJECT, entry, room=tmp_path, told=store.told, deep=True)
    assert found is Finding.DAMAGED


@pytest.mark.parametrize("deep", [True, False])
def test_who_has_the_movies_mends_what_a_lost_gain_has_spoilt(
    movie: Path, tmp_path: Path, *, deep: bool
) -> None:
    store, file = MemoryStore(), tmp_path / "1.mrc"
    (tmp_path / ".cryoem").mkdir()
    shutil.copy2(movie, file)
    content = sent(store, file)
    entry = Entry(path="1.mrc", mtime_ns=file.stat().st_mtime_ns, content=content)
    project = Project(name=PROJECT, store="memory://", folder=tmp_path)
    assert [each.bad for each in verdicts(store, project, [entry], deep=deep)] == [False]
    store.delete(f"{PROJECT}/{content.gain}")
    (found,) = verdicts(store, project, [entry], deep=deep)
    assert found.there is Finding.MISSING
    assert Repairs(store, project).repaired(found).mended == "sent again"
    (again,) = IndexLog(store, PROJECT).read(after=0)
    mended = again.entries[0].content
    assert mended
    assert placed(store, mended, tmp_path / "there") == movie.read_bytes()


def test_a_gain_damaged_on_its_way_is_asked_for_again(
    movie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    content = sent(store, movie)
    left, whole = [2], store.get_stream

    def stream(key: str) -> Iterator[bytes]:
        left[0] -= 1
        yield from (chunk[:-1] if left[0] >= 0 else chunk for chunk in whole(key))

    monkeypatch.setattr(store, "get_stream", stream)
    assert placed(store, content, tmp_path / "there") == movie.read_bytes()
    assert left == [-1]


@pytest.mark.parametrize("gain", ["../../etc/passwd", "mirror/1.mrc", "gains/x", 7, ["gains"]])
def test_what_is_no_name_of_a_gain_is_refused(movie: Path, tmp_path: Path, gain: object) -> None:
    store = MemoryStore()
    fields = sent(store, movie).to_json()
    fields["codec"] = [["blocks", {"version": 2, "gain": gain}]]
    with pytest.raises((FormatError, CorruptObjectError)):
        placed(store, Content.from_json(fields), tmp_path / "there")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_for_temporary_files_is_named(
    movie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    content = sent(store, movie)

    def full() -> NoReturn:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(gain_object, "TemporaryFile", full)
    with pytest.raises(NoSpaceError, match="is full, where a gain is to be kept"):
        placed(store, content, tmp_path / "there")


def test_the_one_file_decoder_reads_a_copy_of_the_store(movie: Path, tmp_path: Path) -> None:
    """Without our package and NumPy; it says what is missing."""
    store, copy, short = MemoryStore(), tmp_path / "copy", tmp_path / "short.mrc"
    raw = movie.read_bytes()[: 17 * 1024 * 1024]
    short.write_bytes(raw)
    with an_engine() as engine:
        gain_name = sent(store, movie, engine).gain
        content = sent(store, short, engine)
    assert content.gain == gain_name
    for item in store.list(""):
        (copy / item.key).parent.mkdir(parents=True, exist_ok=True)
        (copy / item.key).write_bytes(store.get(item.key))
    stored, gain = copy / PROJECT / content.key, copy / PROJECT / content.gain
    script = tmp_path / "decode.py"
    shutil.copy(str(decode_one.__file__), script)
    env = alone(tmp_path, "backports.zstd")

    def run(*words: object) -> str:
        command = [sys.executable, "-S", str(script), *map(str, words)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=env, cwd=tmp_path
        )
        return done.stderr

    assert run(stored, tmp_path / "1") == ""
    assert (tmp_path / "1").read_bytes() == raw
    gain.rename(tmp_path / "gain")
    assert f"the gain {content.gain} is needed" in run(stored, tmp_path / "2")
    assert run(tmp_path / "gain", tmp_path / "unpacked") == ""
    assert (tmp_path / "unpacked").stat().st_size == 4 * SIDE * SIDE
    for number, given in (("3", "gain"), ("4", "unpacked")):
        assert run(stored, tmp_path / number, "--gain", tmp_path / given) == ""
        assert (tmp_path / number).read_bytes() == raw
