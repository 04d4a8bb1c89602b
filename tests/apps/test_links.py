"""Links of a project: where they lead, and what of them a machine must have."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.files import files_below
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.links import Links, aliases, along_links
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.job import Need


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with links as RELION and users make them, and a disk beside it."""
    folder, disk = tmp_path / "project", tmp_path / "disk"
    for path in ("Class2D/job007/run.star", "Class2D/job007/sub/x", "Movies/b.tif", "top.star"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    (disk / "session1").mkdir(parents=True)
    (disk / "session1" / "a.tif").touch()
    for link, target in {
        "Class2D/alias": "../Class2D/job007/",
        "Class2D/alias2": "alias",
        "absolute": str(folder / "Class2D" / "job007"),
        "raw": str(disk / "session1"),
        "Movies/a.tif": str(disk / "session1" / "a.tif"),
        "Movies/c.tif": "b.tif",
        "short": "Class2D",
        "round": "about",
        "about": "round",
        "itself": "itself",
        "gone": "Class2D/job009",
        "unmounted": "/nowhere/session2",
        "whole": ".",
    }.items():
        (folder / link).symlink_to(target)
    (disk / "session1" / "back").symlink_to(folder / "Movies")
    return folder


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("Class2D/alias", "Class2D/job007"),
        ("Class2D/alias2", "Class2D/alias"),
        ("absolute", "Class2D/job007"),
        ("Movies/c.tif", "Movies/b.tif"),
        ("gone", "Class2D/job009"),
        ("raw/back", "Movies"),
        ("whole", "."),
        ("Movies", ""),
        ("Movies/b.tif", ""),
        ("nothing", ""),
        ("a\0b", ""),
        ("unmounted", "@abs/nowhere/session2"),
    ],
)
def test_a_link_leads_to_a_path_of_the_project_or_out_of_it(
    project: Path, path: str, leads: str
) -> None:
    assert Here(project).link(path) == leads


def test_a_link_out_of_the_project_leads_to_its_absolute_path(project: Path) -> None:
    disk = str(project.parent / "disk" / "session1")
    assert Here(project).link("raw") == "@abs" + disk
    assert Links(Here(project)).real("raw/a.tif") == f"@abs{disk}/a.tif"


@pytest.mark.parametrize(
    "path", ["short/alias2/sub/x", "absolute/sub/x", "whole/whole/short/job007/sub/x"]
)
def test_all_names_of_a_file_are_one(project: Path, path: str) -> None:
    assert Links(Here(project)).real(path) == "Class2D/job007/sub/x"


def test_a_project_that_is_reached_by_a_link_is_the_same(project: Path) -> None:
    other = project.parent / "other name"
    other.symlink_to(project)
    assert Here(other).link("absolute") == "Class2D/job007"


def travelling(project: Path, *paths: str) -> list[tuple[str, str]]:
    needs = [Need(path=path, asked_by="x.star line 5") for path in paths]
    return [(need.path, need.target) for need in along_links(needs, Here(project))]


def test_bytes_travel_once_under_their_real_path_after_the_links(project: Path) -> None:
    assert travelling(
        project,
        *("Class2D/alias/run.star", "Class2D/job007/run.star", "short/alias2/run.star"),
        "Class2D/alias/sub/x",
    ) == [
        ("Class2D/alias", "Class2D/job007"),
        ("Class2D/job007/run.star", ""),
        ("Class2D/job007/run.star", ""),
        ("short", "Class2D"),
        ("Class2D/alias2", "Class2D/job007"),
        ("Class2D/job007/run.star", ""),
        ("Class2D/job007/sub/x", ""),
    ]


def test_a_link_to_a_file_of_the_project_is_a_link_on_the_machine(project: Path) -> None:
    assert travelling(project, "Movies/c.tif") == [
        ("Movies/c.tif", "Movies/b.tif"),
        ("Movies/b.tif", ""),
    ]


def test_what_is_linked_from_outside_travels_under_the_links_name(project: Path) -> None:
    paths = ("raw/a.tif", "Movies/a.tif", "@abs/disk/x", "unmounted/a.tif")
    assert travelling(project, *paths) == [(path, "") for path in paths]


def test_an_outside_folder_may_lead_back_inside(project: Path) -> None:
    assert travelling(project, "raw/back/b.tif") == [
        ("raw/back", "Movies"),
        ("Movies/b.tif", ""),
    ]


def test_who_asks_says_by_which_link(project: Path) -> None:
    (_, need) = along_links([Need(path="gone/x", asked_by="a.star line 5")], Here(project))
    assert need.asked_by == "a.star line 5, by the link gone,"
    assert need.path == "Class2D/job009/x"


@pytest.mark.parametrize("path", ["round", "round/x", "itself/x", "about"])
def test_links_in_a_circle_are_refused_by_name(project: Path, path: str) -> None:
    name = path.removesuffix("/x")
    with pytest.raises(RefusedError, match=f"{name} is a link that leads back to itself; x.star"):
        travelling(project, path)


def test_circles_are_nothing_and_folders_are_entered_once(project: Path) -> None:
    view = Here(project)
    assert view.kind("round") is None
    assert view.kind("Class2D/alias2") is Kind.FOLDER
    found = list(files_below(view, "."))
    assert len(found) == len(set(found))
    assert {"top.star", "Class2D/alias/run.star", "Class2D/alias/sub/x", "raw/a.tif"} <= set(found)
    assert not any(path.startswith(("whole/", "short/alias")) for path in found)


def test_aliases_of_a_job_lie_beside_it(project: Path) -> None:
    assert aliases(Here(project), "Class2D/job007/") == ("Class2D/alias",)
    assert aliases(Here(project), "Refine3D/job001") == ()
    assert aliases(Here(project), "Class2D") == ("short",)
