"""Gain-normalised movies: the gain is learnt once, kept, and lies in the store beside them."""

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.file import Codec, Entry
from cryoem_cloud.mover import learning
from cryoem_cloud.mover.codec import Choice, Movie
from cryoem_cloud.mover.gains import Gains
from cryoem_cloud.mover.learning import Frame
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.ports.parts import SentPart
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault
from tests.mover.codec.samples import mrc_header
from tests.mover.filmed import PROJECT, SIDE, Movies, an_engine, gains_in, placed, sent
from tests.mover.parted import FailingParts, PartedStore


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
