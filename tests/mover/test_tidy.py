"""What nobody will go on with is removed, and nothing else."""

import os
from pathlib import Path

import pytest

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.mover.journal import opened
from cryoem_cloud.mover.tidy import forget, tidy
from cryoem_cloud.testing.faults import Fault
from tests.mover.large import FULL, PROJECT, a_file, sent
from tests.mover.parted import FolderParts, PartedStore, broken, folder_store, the_nth


@pytest.fixture
def left(tmp_path: Path) -> tuple[PartedStore, FolderParts, Path]:
    """A store with an upload that broke, and the file."""
    failing, store, _ = broken(tmp_path, the_nth("send", 2, Fault.REFUSED))
    path = a_file(tmp_path / "movie.mrc", 2)
    with pytest.raises(StoreUnreachableError):
        sent(failing, path, journals=tmp_path / "cache")
    return store, folder_store(tmp_path)[1], path


def test_the_upload_of_a_file_that_is_gone_is_aborted(
    left: tuple[PartedStore, FolderParts, Path], tmp_path: Path
) -> None:
    store, parts, path = left
    assert tidy(store, tmp_path / "cache") == 0
    assert len(parts.uploads) == 1
    path.unlink()
    assert tidy(store, tmp_path / "cache") == 1
    assert parts.uploads == []
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_upload_that_is_under_way_is_left_alone(
    left: tuple[PartedStore, FolderParts, Path], tmp_path: Path
) -> None:
    store, parts, path = left
    path.write_bytes(b"others")
    with opened(tmp_path / "cache", store=store.url, key=FULL, path=path) as journal:
        assert journal
        assert tidy(store, tmp_path / "cache") == 0
    assert len(parts.uploads) == 1
    assert tidy(store, tmp_path / "cache") == 1


def test_an_upload_to_another_store_is_left_alone(
    left: tuple[PartedStore, FolderParts, Path], tmp_path: Path
) -> None:
    _, parts, path = left
    path.unlink()
    assert tidy(folder_store(tmp_path / "other")[0], tmp_path / "cache") == 0
    assert len(parts.uploads) == 1


@pytest.mark.parametrize("encoding", list(Encoding))
def test_the_journal_of_a_file_that_an_index_names_is_forgotten(
    tmp_path: Path, encoding: Encoding
) -> None:
    store, _ = folder_store(tmp_path)
    path = a_file(tmp_path / "movie.mrc", 2, counts=True)
    content = sent(store, path, encoding=encoding, journals=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    forget(store, tmp_path / "cache", key=f"{PROJECT}/{content.key}", path=path)
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_journal_of_a_file_that_has_arrived_is_kept_for_a_week(tmp_path: Path) -> None:
    store, _ = folder_store(tmp_path)
    sent(store, a_file(tmp_path / "movie.mrc", 2), journals=tmp_path / "cache")
    tidy(store, tmp_path / "cache")
    (journal,) = (tmp_path / "cache").iterdir()
    os.utime(journal, (1, 1))
    tidy(store, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
