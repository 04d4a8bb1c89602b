"""A file that is being sent is watched with each read."""

import os
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import RefusedError, SourceChangedError
from cryoem_cloud.mover.source import Source


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "movie.mrc"
    found.write_bytes(bytes(range(200)))
    os.utime(found, ns=(1, 1))
    return found


def test_it_is_read_in_any_order(path: Path) -> None:
    view = memoryview(bytearray(50))
    with Source(path) as source:
        for start in (150, 0, 75):
            source.read_into(start, view)
            assert bytes(view) == bytes(range(start, start + 50))


def test_what_was_written_meanwhile_is_noticed_by_the_next_read(path: Path) -> None:
    with Source(path) as source:
        with path.open("r+b") as file:
            file.write(b"others")
        with pytest.raises(SourceChangedError, match=r"movie\.mrc"):
            source.read_into(0, memoryview(bytearray(5)))


def test_a_file_behind_a_link_that_leads_elsewhere_now_is_another_one(
    path: Path, tmp_path: Path
) -> None:
    link, other = tmp_path / "link", tmp_path / "other"
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(1, 1))
    link.symlink_to(path)
    with Source(link) as source:
        source.require_unchanged()
        link.unlink()
        link.symlink_to(other)
        with pytest.raises(SourceChangedError, match="replaced"):
            source.require_unchanged()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(RefusedError):
        Source(tmp_path / "pipe")
    with pytest.raises(OSError, match="symbolic links"):
        Source(tmp_path / "loop")
