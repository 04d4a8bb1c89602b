"""A view in which some files have other bytes."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.overlaid import Overlaid
from cryoem_cloud.model.file import Kind

from .test_closure import put


def test_a_file_has_other_bytes_also_through_links(tmp_path: Path) -> None:
    put(tmp_path, "Import/job001/movies.star", "a/other.star")
    (tmp_path / "Import/alias").symlink_to("../Import/job001/")
    (tmp_path / "top.star").symlink_to("Import/alias/movies.star")
    view = Overlaid(Here(tmp_path), {"Import/job001/movies.star": b"fewer"})
    for path in ("Import/job001/movies.star", "Import/alias/movies.star", "top.star"):
        with view.open(path) as file:
            assert file.read() == b"fewer"
        assert view.kind(path) is Kind.FILE
    with view.open("a/other.star") as file:
        assert file.read() != b"fewer"
    assert view.link("top.star") == Here(tmp_path).link("top.star") != ""
    assert view.kind("a/none.star") is None
    with pytest.raises(FileNotFoundError):
        view.open("a/none.star")


def test_a_file_that_was_not_there_is(tmp_path: Path) -> None:
    put(tmp_path, "a/b.star", "a/z.star")
    (tmp_path / "link.star").symlink_to("a/new.star")
    view = Overlaid(Here(tmp_path), {"a/new.star": b"new", "top.star": b"top"})
    assert view.kind("a/new.star") is view.kind("link.star") is Kind.FILE
    assert list(view.names("a")) == ["b.star", "new.star", "z.star"]
    assert "top.star" in view.names(".")
    assert view.kind("a") is Kind.FOLDER
