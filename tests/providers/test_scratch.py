"""A scratch disk is emptied whatever programs did to it, and nothing beside it is touched."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cryoem_cloud.providers.local import LocalProvider
from cryoem_cloud.providers.local.machine import LocalMachine
from cryoem_cloud.providers.scratch import remove_tree


def lock(folder: Path) -> None:
    """Make folders that programs have taken their rights from, one in the other."""
    inner = folder / "read-only/closed/inner"
    inner.mkdir(parents=True)
    (inner / "x").touch()
    inner.chmod(0o555)
    inner.parent.chmod(0)
    inner.parent.parent.chmod(0o555)
    folder.chmod(0o555)


def tree(top: Path) -> Path:
    folder = top / "tree"
    lock(folder)
    assert remove_tree(folder)
    return folder


def a_swept_machine(top: Path) -> Path:
    folder = top / "t/local-001/scratch"
    lock(folder)
    assert LocalMachine(folder.parent).sweep()
    return folder


def a_forgotten_fleet(top: Path) -> Path:
    folder = top / "t/local-001/scratch"
    lock(folder)
    LocalProvider(top, ()).forget("t")
    return top / "t"


@pytest.mark.parametrize("remove", [tree, a_swept_machine, a_forgotten_fleet])
def test_locked_folders_are_removed(nobodys: Path, remove: Callable[[Path], Path]) -> None:
    assert not remove(nobodys).exists()


def test_what_is_not_there_is_removed(tmp_path: Path) -> None:
    assert remove_tree(tmp_path / "nothing")


def test_what_a_link_leads_to_stays_as_it_was(nobodys: Path) -> None:
    beside, folder = nobodys / "beside", nobodys / "tree"
    beside.mkdir()
    (beside / "x").touch()
    beside.chmod(0o555)
    folder.mkdir()
    (folder / "link").symlink_to(beside)
    lock(folder / "locked")
    assert remove_tree(folder)
    assert (beside / "x").exists()
    assert beside.stat().st_mode & 0o777 == 0o555
