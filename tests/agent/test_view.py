"""A project of entries alone: what lies where, which links lead where, and verified bytes."""

from pathlib import Path

import pytest

from cryoem_cloud.agent.view import EntriesView
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.stores.memory import MemoryStore


def file(store: MemoryStore, path: str, data: bytes) -> Entry:
    """A file in the store."""
    store.put(f"p/mirror/{path.replace('@', '')}", data)
    content = Content(
        key=f"mirror/{path.replace('@', '')}",
        start=0,
        stored=len(data),
        size=len(data),
        digest=digest_of(data),
    )
    return Entry(path=path, content=content)


def link(path: str, target: str) -> Entry:
    return Entry(path=path, kind=Kind.LINK, target=target)


@pytest.fixture
def view(tmp_path: Path) -> EntriesView:
    store = MemoryStore()
    entries = (
        Entry(path="a/b/x.star", kind=Kind.STUB),
        file(store, "a/b/x.star", b"x"),
        file(store, "@abs/data/m.mrc", b"m"),
        Entry(path="a/stub", kind=Kind.STUB),
        Entry(path="a/empty", kind=Kind.FOLDER),
        link("alias", "a/b"),
        link("a/up", "../alias/x.star"),
        link("a/home", "@project/a/b"),
        link("a/out", "../../etc/passwd"),
        link("a/root", "/etc/passwd"),
        link("a/data", "/data/m.mrc"),
        link("a/round", "about"),
        link("a/about", "round"),
    )
    return EntriesView(entries, store=store, project="p", scratch=tmp_path / "scratch")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/b/x.star", Kind.FILE),
        ("a//b/./x.star", Kind.FILE),
        ("alias/x.star", Kind.FILE),
        ("a/up", Kind.FILE),
        ("a/home/x.star", Kind.FILE),
        ("a/data", Kind.FILE),
        ("a/stub", Kind.FILE),
        ("@abs/data/m.mrc", Kind.FILE),
        ("a", Kind.FOLDER),
        ("a/empty", Kind.FOLDER),
        ("alias", Kind.FOLDER),
        (".", Kind.FOLDER),
        ("a/b/x.star/more", None),
        ("b", None),
        ("a/out", None),
        ("a/root", None),
        ("a/round", None),
        ("../a", None),
        ("", Kind.FOLDER),
    ],
)
def test_kinds_are_told_through_links_that_stay_inside(
    view: EntriesView, path: str, kind: Kind | None
) -> None:
    assert view.kind(path) is kind


def test_folders_are_listed_in_order_also_through_links(view: EntriesView) -> None:
    assert view.names("alias") == ["x.star"]
    assert list(view.names("a/b/")) == ["x.star"]
    assert list(view.names("a"))[:4] == ["about", "b", "data", "empty"]
    assert list(view.names(".")) == ["@abs", "a", "alias"]
    assert list(view.names("nothing")) == []


def test_the_last_entry_of_a_path_counts(view: EntriesView) -> None:
    with view.open("alias/x.star") as opened:
        assert opened.read() == b"x"


def test_links_say_where_they_lead_inside(view: EntriesView) -> None:
    wanted = {
        "alias": "a/b",
        "a/home": "a/b",
        "a/up": "alias/x.star",
        "a/data": "@abs/data/m.mrc",
        "a/out": "",
        "a/b": "",
        "no": "",
    }
    assert {path: view.link(path) for path in wanted} == wanted


def test_bytes_are_verified_and_nothing_of_them_stays(tmp_path: Path) -> None:
    store = MemoryStore()
    entry = file(store, "x", b"bytes")
    view = EntriesView((entry,), store=store, project="p", scratch=tmp_path / "scratch")
    with view.open("x") as opened:
        assert opened.read() == b"bytes"
        assert list((tmp_path / "scratch").iterdir()) == []
    store.put("p/mirror/x", b"other")
    with pytest.raises(CorruptObjectError):
        view.open("x")


@pytest.mark.parametrize("path", ["a/stub", "a", "nothing", "a/round"])
def test_what_is_no_file_or_has_no_bytes_cannot_be_read(view: EntriesView, path: str) -> None:
    with pytest.raises(OSError, match="No such file"):
        view.open(path)
