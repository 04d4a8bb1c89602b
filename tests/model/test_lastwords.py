"""What an index says in the end can be put into a folder."""

from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.lastwords import LastWords, folders_of

PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)


def a_file(path: str, digest: str = "blake3:1") -> Entry:
    content = Content(key=f"mirror/{path}", start=0, stored=3, size=3, digest=digest)
    return Entry(path=path, content=content)


def said(*entries: Entry) -> list[str]:
    words = LastWords()
    words.take(entries)
    return sorted(words.entries)


def test_a_file_that_became_a_folder_is_no_file_any_more() -> None:
    assert said(a_file("a"), a_file("ab"), a_file("a/b/c")) == ["a/b/c", "ab"]


def test_a_folder_that_became_a_file_has_nothing_below_it_any_more() -> None:
    assert said(a_file("a/b/c"), a_file("a/d"), a_file("ab/c"), a_file("a")) == ["a", "ab/c"]


def test_a_folder_is_there_beside_what_it_holds() -> None:
    folder = Entry(path="a", kind=Kind.FOLDER)
    assert said(folder, a_file("a/b")) == said(a_file("a/b"), folder) == ["a", "a/b"]


def test_what_is_gone_is_gone_and_brings_nothing_back() -> None:
    gone = Entry(path="a/b", kind=Kind.GONE)
    assert said(a_file("a"), a_file("a/b"), gone) == []


@given(st.lists(PATHS, max_size=12))
def test_the_last_word_is_there_and_no_file_is_a_folder_too(paths: list[str]) -> None:
    found = set(said(*map(a_file, paths)))
    assert not paths or paths[-1] in found
    assert found.isdisjoint({folder for path in found for folder in folders_of(path)})
