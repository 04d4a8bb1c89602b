"""What the courier remembers can be thrown away, and is never wrong."""

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.model.file import Content, Entry, Kind, Stamp
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.words import IndexWords

PROJECT = "ribosome-00000000"


def an_entry(path: str, digest: str) -> Entry:
    content = Content(key=f"mirror/{path}", start=0, stored=3, size=3, digest=digest)
    return Entry(path=path, content=content)


def test_the_last_word_on_a_path_wins_and_what_is_gone_is_gone(tmp_path: Path) -> None:
    index = IndexLog(MemoryStore(), PROJECT)
    cache = Cache(tmp_path / "cache.sqlite")
    index.append("first", [an_entry("a", "blake3:1"), an_entry("b\udcff", "blake3:2")])
    cache.refresh(index, PROJECT)
    index.append("second", [an_entry("a", "blake3:3"), Entry(path="b\udcff", kind=Kind.GONE)])
    cache.refresh(index, PROJECT)
    assert cache.entry(PROJECT, "a") == an_entry("a", "blake3:3")
    assert cache.entry(PROJECT, "b\udcff") is None
    assert cache.content(PROJECT, "blake3:3") == an_entry("a", "blake3:3").content
    assert cache.content(PROJECT, "blake3:1") is None
    assert cache.has_origin(PROJECT, "first")
    assert cache.last_read(PROJECT) == 2
    assert cache.entry("another-00000000", "a") is None


def test_a_path_is_a_files_or_a_folders_whatever_was_last_said(tmp_path: Path) -> None:
    index, stamp = IndexLog(MemoryStore(), PROJECT), Stamp(3, 5, 7)
    cache = Cache(tmp_path / "cache.sqlite")
    file, inner = an_entry("t/flip", "blake3:1"), an_entry("t/flip/x/y\udcff", "blake3:2")
    beside = [an_entry("t/flip0", "blake3:3"), an_entry("t/flip!", "blake3:4")]
    for number, (said, unsaid) in enumerate([(file, inner), (inner, file), (file, inner)]):
        index.append(str(number), [said, *beside])
        cache.refresh(index, PROJECT)
        assert cache.entry(PROJECT, unsaid.path) is None
        assert cache.entries(PROJECT, [one.path for one in (said, *beside)]) == {
            one.path: one for one in (said, *beside)
        }
        cache.stand(PROJECT, [(said.path, stamp, 0o644)])
    assert list(cache.standing(PROJECT, "t/flip/x")) == []


def test_a_writing_that_is_recorded_twice_does_not_undo_what_came_between(tmp_path: Path) -> None:
    index = IndexLog(MemoryStore(), PROJECT)
    cache = Cache(tmp_path / "cache.sqlite")
    index.append("old", [an_entry("a", "blake3:1")])
    index.append("new", [an_entry("a", "blake3:2")])
    index.append("old", [an_entry("a", "blake3:1")])
    cache.refresh(index, PROJECT)
    assert cache.entry(PROJECT, "a") == an_entry("a", "blake3:2")
    assert cache.last_read(PROJECT) == 3


def test_a_digest_is_remembered_for_the_stamp_alone(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache.sqlite")
    stamp = Stamp(size=3, mtime_ns=5, inode=7)
    cache.remember([(Path("/p/a"), stamp, "blake3:1")])
    assert cache.digests([(Path("/p/a"), stamp)]) == {Path("/p/a"): "blake3:1"}
    for other in (Stamp(4, 5, 7), Stamp(3, 6, 7), Stamp(3, 5, 8)):
        assert cache.digests([(Path("/p/a"), other)]) == {}


def test_times_after_2262_and_large_inodes_are_stamps_too(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache.sqlite")
    stamp = Stamp(size=3, mtime_ns=10_413_792_000_000_000_000, inode=2**64 - 1)
    cache.remember([(Path("/p/a"), stamp, "blake3:1")])
    assert cache.digests([(Path("/p/a"), stamp)]) == {Path("/p/a"): "blake3:1"}
    assert cache.digests([(Path("/p/a"), Stamp(3, stamp.mtime_ns - 1, stamp.inode))]) == {}


def test_a_damaged_cache_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "cache.sqlite"
    file.write_bytes(b"this is no database" * 100)
    cache = Cache(file)
    cache.followed(PROJECT, 1, "m", 5)
    assert Cache(file).page(PROJECT, 1, "m") == 5


def test_a_job_that_is_home_is_forgotten(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache.sqlite")
    cache.followed(PROJECT, 1, "m", 5)
    cache.deliver(PROJECT, 1, [("a", "blake3:1")])
    cache.deliver(PROJECT, 2, [("a", "blake3:2")])
    cache.forget_job(PROJECT, 1)
    assert cache.page(PROJECT, 1, "m") == 1
    assert cache.delivered(PROJECT, 1) == {}
    assert cache.delivered(PROJECT, 2) == {"a": "blake3:2"}


def test_a_folders_files_are_those_in_it_and_not_those_below(tmp_path: Path) -> None:
    index, cache = IndexLog(MemoryStore(), PROJECT), Cache(tmp_path / "cache.sqlite")
    inside = [f"job/{n:04d}.mrc" for n in range(3000)] + ["job/\udcff", "job/deep.mrc", "job/z"]
    below = [
        f"job/{folder}/{n}" for folder in ("0001.mrc-", "deep", "deep.mrc.d") for n in range(40)
    ]
    beside = ["job", "job-", "job0", "jo/x", "job-/x", "a"]
    index.append("all", [an_entry(path, "blake3:1") for path in (*inside, *below, *beside)])
    index.append("others", [Entry(path="job/empty", kind=Kind.FOLDER)])
    cache.refresh(index, PROJECT)
    assert [path for path, _ in cache.files_in(PROJECT, "job/")] == sorted(inside, key=os.fsencode)
    found = cache.files_below(PROJECT, "job")
    assert [path for path, _ in found] == sorted(inside + below, key=os.fsencode)
    assert all(key == f"mirror/{path}" for path, key in found if path.isascii())
    assert not list(cache.files_in(PROJECT, "nothing"))
    assert not list(cache.files_in("another-00000000", "job"))


def test_bytes_are_found_by_digest_without_going_through_all_entries(tmp_path: Path) -> None:
    index, cache = IndexLog(MemoryStore(), PROJECT), Cache(tmp_path / "cache.sqlite")
    index.append("all", [an_entry(f"job/{n}", f"blake3:{n}") for n in range(5000)])
    cache.refresh(index, PROJECT)
    steps: list[int] = []
    cache._db.set_progress_handler(lambda: steps.append(1), 1000)
    assert cache.content(PROJECT, "blake3:4999") == an_entry("job/4999", "blake3:4999").content
    assert cache.content(PROJECT, "blake3:none") is None
    assert not steps


WORDS = st.lists(
    st.tuples(st.sampled_from(["a", "b/c\udcff"]), st.sampled_from(["k1", "k2", "k3é"])),
    max_size=3,
)
RECORDS = st.lists(st.tuples(WORDS, st.sets(st.sampled_from(["k1", "k2", "k3é"]), max_size=1)))


@given(RECORDS)
def test_all_readers_of_an_index_agree_also_on_what_was_removed(
    records: list[tuple[list[tuple[str, str]], set[str]]],
) -> None:
    index = IndexLog(MemoryStore(), PROJECT)
    words = IndexWords(index)
    with TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "cache.sqlite")
        for number, (said, removed) in enumerate(records):
            entries = [a_file(path, key) for path, key in said]
            assert index.append_next(str(number), entries, removed=removed, after=number)
            words.read_on()
            cache.refresh(index, PROJECT)
            assert cache.entries(PROJECT, ["a", "b/c\udcff"]) == words.entries
            assert not {e.content.key for e in words.entries.values() if e.content} & words.removed


def a_file(path: str, key: str) -> Entry:
    content = Content(key=key, start=0, stored=3, size=3, digest="blake3:1")
    return Entry(path=path, content=content)


def test_what_was_said_of_a_path_before_is_kept_as_long_as_another_word_holds(
    tmp_path: Path,
) -> None:
    index, cache = IndexLog(MemoryStore(), "p"), Cache(tmp_path / "cache.sqlite")

    def say(*words: Entry) -> dict[str, list[tuple[int, int, str]]]:
        index.append(f"{words}", words)
        cache.refresh(index, "p")
        return cache.older("p", ["a", "b"])

    def word(path: str, digit: str, mtime_ns: int) -> Entry:
        content = Content(key=digit, start=0, stored=3, size=3, digest=f"blake3:{digit * 64}")
        return Entry(path=path, mtime_ns=mtime_ns, content=content)

    one, two = word("a", "1", 10), word("a", "2", 20)
    assert say(one, word("b", "1", 10)) == {}
    assert say(replace(one, mtime_ns=15)) == {}, "the same bytes"
    assert say(two) == {"a": [(3, 15, "blake3:" + "1" * 64)]}
    assert say(one) == {"a": [(3, 20, "blake3:" + "2" * 64)]}
    assert say(Entry(path="a", kind=Kind.GONE)) == {}
    assert say(word("a", "3", 30)) == {"a": [(3, 20, "blake3:" + "2" * 64)]}
