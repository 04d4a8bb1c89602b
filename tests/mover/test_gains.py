"""Gain-normalised movies: the gain is learnt once, lies in the store, and is checked before use."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from benchmarks.transfer.camera import camera
from cryoem_cloud.cli.files.verifying import Repairs, verdicts
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    FormatError,
    NoSpaceError,
    ObjectMissingError,
    StoreUnreachableError,
)
from cryoem_cloud.model.file import Codec, Content, Entry
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover import gain_object, learning
from cryoem_cloud.mover.codec import Choice, Movie, Way, decode_one, encoded
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.mover.gains import Gains
from cryoem_cloud.mover.learning import Frame
from cryoem_cloud.mover.pull import fetch_files, place_file
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.mover.verify import Finding, look_there
from cryoem_cloud.ports.parts import SentPart
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault
from tests.mover.codec.samples import mrc_header
from tests.mover.codec.test_vectors import alone
from tests.mover.parted import FailingParts, PartedStore

PROJECT = "ribosome-00000000"
SIDE, FRAMES = 1024, 12
Movies = tuple[Path, Path, Path]
Stores = MemoryStore | PartedStore


def a_movie(path: Path, *, seed: int = 1, gain: int = 7) -> Path:
    """A movie of 48 MiB of float32, with hot pixels and dead columns."""
    seen = camera(SIDE, 1.0, seed=gain)
    with path.open("wb") as file:
        file.write(mrc_header(SIDE, SIDE, FRAMES, mode=2))
        for frame in seen.frames(FRAMES, seed):
            file.write((frame.astype(np.float32) * seen.gain).tobytes())
    return path


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Movies]:
    """Two of one camera, and one of another."""
    folder = tmp_path_factory.mktemp("movies")
    first = a_movie(folder / "1.mrc")
    yield first, a_movie(folder / "2.mrc", seed=2), a_movie(folder / "3.mrc", gain=8)
    shutil.rmtree(folder)


@pytest.fixture
def movie(movies: Movies) -> Path:
    return movies[0]


def an_engine(gains: Path | None = None) -> Engine:
    journals = gains and gains.with_name("uploads")
    return Engine(memory_bytes=SEND_BYTES, encoding=Encoding.AUTO, journals=journals, streams=4)


def sent(store: Stores, path: Path, engine: Engine | None = None) -> Content:
    with nullcontext(engine) if engine else an_engine() as used:
        key = f"mirror/{path.name}"
        return keep_file(store, path, project=PROJECT, key=key, engine=used)[1]


def placed(store: Stores, content: Content, path: Path) -> bytes:
    content = Content.from_json(content.to_json())
    place_file(store, PROJECT, Entry(path="f", content=content), path)
    return path.read_bytes()


def gains_in(store: Stores) -> list[str]:
    return [item.key.removeprefix(f"{PROJECT}/") for item in store.list(f"{PROJECT}/gains/")]


def test_a_movie_is_counts_again_and_comes_back(movie: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    content = sent(store, movie)
    assert gains_in(store) == [content.gain]
    assert content.codecs == (Codec("blocks", {"version": 2, "gain": content.gain}),)
    assert content.size > 14 * content.stored
    assert content.digest == digest_of(movie.read_bytes())
    assert placed(store, content, tmp_path / "there") == movie.read_bytes()


def test_movies_of_a_kind_share_a_gain_and_each_kind_has_its_own(
    movies: Movies, tmp_path: Path
) -> None:
    """Two gains in one folder, and a movie of other things."""
    store, noise = MemoryStore(), tmp_path / "4.mrc"
    values = np.random.default_rng(5).normal(size=8 * SIDE * SIDE).astype(np.float32)
    noise.write_bytes(mrc_header(SIDE, SIDE, 8, mode=2) + values.tobytes())
    paths = [*movies, noise]
    with an_engine() as engine:
        contents = [sent(store, path, engine) for path in paths]
    first, second, third, fourth = contents
    assert first.gain == second.gain != third.gain
    assert not fourth.gain
    assert sorted(gains_in(store)) == sorted({first.gain, third.gain})
    assert min(each.size / each.stored for each in (first, second, third)) > 13
    entries = [Entry(path=f"{n}", content=content) for n, content in enumerate(contents)]
    fetch_files(store, PROJECT, [(each, tmp_path / "back" / each.path) for each in entries])
    for number, path in enumerate(paths):
        assert (tmp_path / "back" / str(number)).read_bytes() == path.read_bytes()


def test_blocks_that_a_gain_is_not_for_fall_back(movie: Path, tmp_path: Path) -> None:
    store, half = MemoryStore(), tmp_path / "half.mrc"
    data = bytearray(movie.read_bytes())
    start = 3 * len(data) // 4
    noise = np.random.default_rng(1).normal(size=len(data[start:]) // 4).astype("<f4")
    data[start:] = noise.tobytes()
    half.write_bytes(data)
    with an_engine() as engine:
        gain = sent(store, movie, engine).gain
        content = sent(store, half, engine)
    assert content.gain == gain
    assert placed(store, content, tmp_path / "there") == half.read_bytes()
    assert 2 < content.size / content.stored < 6


def test_a_gain_is_kept_for_the_next_program(movies: Movies, tmp_path: Path) -> None:
    cache, stores = tmp_path / "gains", (MemoryStore(), MemoryStore())
    with an_engine(cache) as engine:
        first = sent(stores[0], movies[0], engine)
    with an_engine(cache) as engine:
        second = sent(stores[1], movies[1], engine)
    assert gains_in(stores[1]) == [first.gain] == [second.gain]
    assert [path.name for path in cache.iterdir()] == [Path(first.gain).name]


def test_a_kept_gain_that_was_damaged_is_learnt_anew(movies: Movies, tmp_path: Path) -> None:
    cache, store = tmp_path / "gains", MemoryStore()
    with an_engine(cache) as engine:
        first = sent(store, movies[0], engine)
    (cache / Path(first.gain).name).write_bytes(bytes(4 * SIDE * SIDE))
    with an_engine(cache) as engine:
        second = sent(store, movies[1], engine)
    assert second.gain not in {first.gain, ""}
    assert [path.name for path in cache.iterdir()] == [Path(second.gain).name]
    for path, content in zip(movies[:2], (first, second), strict=True):
        assert placed(store, content, tmp_path / "there") == path.read_bytes()


def test_few_gains_are_kept(movie: Path, tmp_path: Path) -> None:
    cache = tmp_path / "gains"
    cache.mkdir()
    for number in range(20):
        (cache / f"{number:064d}").write_bytes(b"other")
        os.utime(cache / f"{number:064d}", (number, number))
    with an_engine(cache) as engine:
        content = sent(MemoryStore(), movie, engine)
    kept = {path.name for path in cache.iterdir()}
    assert kept == {Path(content.gain).name, *(f"{number:064d}" for number in range(5, 20))}


def test_where_there_is_no_room_to_learn_a_movie_is_stored_by_planes(
    movie: Path, tmp_path: Path
) -> None:
    store, full = MemoryStore(), tmp_path / "full"
    full.touch()
    with an_engine() as engine:
        engine.kinds.gains = Gains(full / "gains")
        content = sent(store, movie, engine)
    assert not content.gain
    assert gains_in(store) == []
    assert placed(store, content, tmp_path / "there") == movie.read_bytes()


def test_stacks_of_particles_are_not_looked_at_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    real = learning.glance

    def glance(frames: Sequence[Frame], movie: Movie) -> Choice | None:
        looked.append(frames[0].source.path)
        return real(frames, movie)

    monkeypatch.setattr(learning, "glance", glance)
    values = np.random.default_rng(5).normal(size=(300, 128, 128)).astype(np.float32)
    with an_engine() as engine:
        for number in range(6):
            path = tmp_path / f"{number}.mrcs"
            path.write_bytes(mrc_header(128, 128, 300, mode=2) + values.tobytes())
            assert not sent(MemoryStore(), path, engine).gain
    assert len(looked) == 3


def test_few_frames_are_learnt_from_together_with_those_of_other_movies(
    movies: Movies, tmp_path: Path
) -> None:
    store, size = MemoryStore(), 1024 + 5 * 4 * SIDE * SIDE
    (tmp_path / "a.txt").write_bytes(b"no movie")
    (tmp_path / "a.mrc").write_bytes(movies[0].read_bytes()[:size])
    assert not sent(MemoryStore(), tmp_path / "a.mrc").gain
    (tmp_path / "b.mrc").write_bytes(movies[1].read_bytes()[:size])
    (tmp_path / "c.mrc").write_bytes(bytes(size))
    (tmp_path / "d.mrc").mkdir()
    (tmp_path / "e.mrc").symlink_to("e.mrc")
    content = sent(store, tmp_path / "b.mrc")
    assert content.size > 12 * content.stored
    there = tmp_path / "there"
    assert placed(store, content, there) == (tmp_path / "b.mrc").read_bytes()


def test_a_movie_that_ends_before_its_header_says_is_stored(movie: Path, tmp_path: Path) -> None:
    store, short = MemoryStore(), tmp_path / "short.mrc"
    short.write_bytes(movie.read_bytes()[: 20 * 1024 * 1024])
    assert placed(store, sent(store, short), tmp_path / "there") == short.read_bytes()


def test_an_index_never_names_a_gain_that_is_not_there(
    movie: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there before what needs it becomes an object."""
    store, seen = MemoryStore(), list[int]()
    complete = store.parts.complete

    def noting(key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool) -> None:
        seen.append(len(gains_in(store)))
        complete(key, upload, parts, if_absent=if_absent)

    monkeypatch.setattr(store.parts, "complete", noting)
    assert sent(store, movie).gain
    assert seen == [1]


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


def noted(calls: list[str], *, refused: str = "") -> Callable[[str], Fault]:
    def plan(call: str) -> Fault:
        calls.append(call)
        return Fault.REFUSED if call == refused else Fault.NONE

    return plan


@pytest.mark.parametrize("lost", ["", "cache", "store", "cache and store"])
def test_after_a_break_an_upload_goes_on_with_the_same_gain(
    movie: Path, tmp_path: Path, lost: str
) -> None:
    cache, held = tmp_path / "gains", MemoryStore()
    calls: list[str] = []
    plan = noted(calls, refused="complete")
    failing = PartedStore(held, FailingParts(held.parts, plan, lambda: False))
    with an_engine(cache) as engine, pytest.raises(StoreUnreachableError):
        sent(failing, movie, engine)
    (gain,) = gains_in(held)
    if "cache" in lost:
        shutil.rmtree(cache)
    if "store" in lost:
        held.delete(f"{PROJECT}/{gain}")
    calls.clear()
    whole = PartedStore(held, FailingParts(held.parts, noted(calls), lambda: False))
    with an_engine(cache) as engine:
        content = sent(whole, movie, engine)
    assert [content.gain] == [gain] == gains_in(held)
    assert "send" not in calls
    assert held.parts.uploads == ()
    assert placed(held, content, tmp_path / "there") == movie.read_bytes()


def test_bytes_that_nobody_recorded_are_found_again(movie: Path, tmp_path: Path) -> None:
    """The program was killed between the object and the index, and its cache was thrown away."""
    store = MemoryStore()
    content = sent(store, movie)
    assert sent(store, movie) == content
    assert len(list(store.list(""))) == 2
    store.delete(f"{PROJECT}/{content.gain}")
    assert placed(store, sent(store, movie), tmp_path / "there") == movie.read_bytes()


def test_movies_sent_at_a_time_share_one_gain(movies: Movies) -> None:
    store = MemoryStore()
    with an_engine() as engine, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda path: sent(store, path, engine), [*movies[:2]] * 2))
    assert len({content.gain for content in found}) == len(gains_in(store)) == 1


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
