"""A store of which this computer remembers what it has held."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import ObjectMissingError, StoreUnreachableError
from cryoem_cloud.model.keys import project_key
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.known import Known
from cryoem_cloud.testing.store_contract import StoreContract

P, Q = "one-1a2b3c4d", "two-1a2b3c4d"


class TestKnown(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Known(DirectoryStore(tmp_path / "store"), tmp_path / "memory")


def fresh(tmp_path: Path) -> Known:
    """The store as a process that has just started sees it."""
    return Known(DirectoryStore(tmp_path / "store"), tmp_path / "memory")


def used(tmp_path: Path, *projects: str) -> None:
    store = fresh(tmp_path)
    for project in projects:
        store.put(project_key(project), b"{}", if_absent=True)
        store.put(f"{project}/jobs/00000001/job.json", b"{}")
    store.put("ids/00000000", b"{}")


def calls(store: Store, key: str) -> tuple[Callable[[], object], ...]:
    return (
        lambda: store.put(key, b"x"),
        lambda: store.put(key, b"x", if_absent=True),
        lambda: store.put_stream(key, (b"x",), size=1),
        lambda: store.get(key),
        lambda: list(store.get_stream(key)),
        lambda: store.size(key),
        lambda: list(store.list(key)),
        lambda: list(store.folders(f"{key}/")),
        lambda: store.delete(key),
        lambda: store.clone_in(Path(__file__), key),
        lambda: store.clone_out(key, Path("none")),
    )


@pytest.mark.parametrize("point", [True, False], ids=["empty mount point", "no folder"])
@pytest.mark.parametrize("key", [project_key(P), f"{P}/ready", "ids/00000000", project_key(Q)])
def test_a_disk_that_is_not_mounted_is_no_new_store(
    tmp_path: Path, key: str, *, point: bool
) -> None:
    used(tmp_path, P)
    root = tmp_path / "store"
    root.rename(tmp_path / "away")
    if point:
        root.mkdir()
    for call in calls(fresh(tmp_path), key):
        with pytest.raises(StoreUnreachableError, match=f"does not hold the project {P}") as caught:
            call()
        assert "mounted" in caught.value.hint
    assert not root.exists() or not list(root.iterdir())


def test_the_disk_is_mounted_again(tmp_path: Path) -> None:
    used(tmp_path, P)
    root = tmp_path / "store"
    root.rename(tmp_path / "away")
    store = fresh(tmp_path)
    with pytest.raises(StoreUnreachableError):
        store.get(f"{P}/ready")
    (tmp_path / "away").rename(root)
    assert store.get(f"{P}/jobs/00000001/job.json") == b"{}"


def test_another_store_in_its_place_is_not_it(tmp_path: Path) -> None:
    used(tmp_path, P)
    (tmp_path / "store").rename(tmp_path / "away")
    DirectoryStore(tmp_path / "store").put(project_key(Q), b"{}")
    with pytest.raises(StoreUnreachableError):
        fresh(tmp_path).put(f"{P}/ready", b"1")


def test_a_new_store_and_a_new_project_are_begun(tmp_path: Path) -> None:
    with pytest.raises(ObjectMissingError):
        fresh(tmp_path).get(f"{P}/ready")
    used(tmp_path, P)
    used(tmp_path, Q)
    assert sorted(fresh(tmp_path).folders("")) == sorted(["ids", P, Q])


def test_who_removes_a_project_from_the_store_can_go_on_with_others(tmp_path: Path) -> None:
    used(tmp_path, P, Q)
    shutil.rmtree(tmp_path / "store" / P)
    store = fresh(tmp_path)
    with pytest.raises(StoreUnreachableError):
        store.get(f"{P}/ready")
    store.put(f"{Q}/ready", b"1")
    store.put("ids/00000001", b"{}", if_absent=True)
