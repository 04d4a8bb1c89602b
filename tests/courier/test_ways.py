"""Job folders behind links: the user's are followed, and nobody else's."""

import os
from pathlib import Path

import pytest

from cryoem_cloud.courier.homeward.ways import require_places, require_there, require_way
from cryoem_cloud.model.errors import ProjectGoneError, RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Outcome

from .conftest import FOLDER, Bench
from .test_errand import small

_OUTPUTS = (FOLDER,)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder on another disk."""
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def put_elsewhere(place: Path, disk: Path) -> None:
    """Move a folder there, and leave a link, as users do."""
    place.rename(disk / place.name)
    place.symlink_to(disk / place.name)


@pytest.mark.parametrize("depth", [0, 1])
def test_results_come_home_behind_the_users_link(bench: Bench, elsewhere: Path, depth: int) -> None:
    put_elsewhere((bench.folder, *bench.folder.parents)[depth], elsewhere)

    def act(bench: Bench) -> None:
        link = Entry(path=f"{FOLDER}/l", kind=Kind.LINK, target="sub/x")
        made, superseded = small(f"{FOLDER}/sub/x", b"made"), small(f"{FOLDER}/gone", b"not")
        bench.page(1, small=(made, superseded), files=(link,))
        bench.done((made[0], link), pages=1)

    assert bench.run(act).outcome is Outcome.SUCCESS
    found = {path.name: path for path in elsewhere.rglob("*")}
    assert found["x"].read_bytes() == b"made"
    assert found["l"].is_symlink()
    assert "RELION_JOB_EXIT_SUCCESS" in found
    assert "gone" not in found


@pytest.mark.parametrize("link", [FOLDER, str(Path(FOLDER).parent)])
def test_a_strangers_link_is_not_followed(
    tmp_path: Path, elsewhere: Path, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / link).symlink_to(elsewhere)
    require_places(tmp_path, _OUTPUTS)
    require_way(tmp_path, f"{FOLDER}/x", _OUTPUTS)
    if os.getuid() == 0:
        os.lchown(tmp_path / link, 4711, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(RefusedError, match=f"{link} is a link that somebody else made"):
        require_places(tmp_path, _OUTPUTS)
    with pytest.raises(RefusedError, match=f"through the link {link}"):
        require_way(tmp_path, f"{FOLDER}/x", _OUTPUTS)


def test_links_below_the_jobs_folder_are_not_followed(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "sub").symlink_to(elsewhere)
    for outputs in (_OUTPUTS, (FOLDER, f"{FOLDER}/sub/deep")):
        with pytest.raises(RefusedError, match="through the link"):
            require_way(tmp_path, f"{FOLDER}/sub/deep/x", outputs)


def test_a_link_that_leads_nowhere_is_told_and_waited_for(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / Path(FOLDER).parent).symlink_to(elsewhere / "not mounted")
    with pytest.raises(RefusedError, match="leads nowhere"):
        require_places(tmp_path, _OUTPUTS)
    with pytest.raises(ProjectGoneError, match="leads nowhere"):
        require_there(tmp_path, FOLDER)
