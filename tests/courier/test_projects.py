"""Which folder is which project: renamed, copied, moved, attached."""

import os
import shutil
from pathlib import Path

import pytest

from cryoem_cloud.courier import projects
from cryoem_cloud.model.errors import FormatError, NotFoundError, UsageError

STORE = "file:///somewhere"


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_a_project_is_found_from_any_folder_in_it(tmp_path: Path) -> None:
    made = projects.create(make(tmp_path / "Ribosome 70S!"), STORE)
    below = make(made.folder / "Class2D" / "job006")
    assert projects.find_folder(below) == made.folder
    assert projects.find_folder(tmp_path) is None
    assert projects.open_project(made.folder) == made
    assert made.name.startswith("ribosome-70s-")


def test_a_renamed_folder_stays_what_it_was(tmp_path: Path) -> None:
    made = projects.create(make(tmp_path / "before"), STORE)
    made.folder.rename(tmp_path / "after")
    found = projects.open_project(tmp_path / "after")
    assert (found.name, found.folder) == (made.name, tmp_path / "after")
    assert projects.open_project(tmp_path / "after") == found


def test_a_copied_folder_becomes_a_project_of_its_own(tmp_path: Path) -> None:
    made = projects.create(make(tmp_path / "original"), STORE)
    shutil.copytree(made.folder, tmp_path / "copy")
    copy = projects.open_project(tmp_path / "copy")
    assert copy.name != made.name
    assert copy.store == made.store
    assert projects.open_project(made.folder) == made


def test_a_folder_whose_original_is_gone_is_not_guessed_about(tmp_path: Path) -> None:
    made = projects.create(make(tmp_path / "original"), STORE)
    shutil.copytree(made.folder, tmp_path / "restored")
    shutil.rmtree(made.folder)
    with pytest.raises(UsageError, match="cryoem project move"):
        projects.open_project(tmp_path / "restored")
    assert projects.bind(tmp_path / "restored").name == made.name


def test_any_folder_name_will_do(tmp_path: Path) -> None:
    name = os.fsdecode(b"a 'quote' \"two\"\n\ttab # % \xc3\xbc \xff")
    made = projects.create(make(tmp_path / name), STORE)
    assert projects.open_project(made.folder) == made
    assert projects.folder_of(made.folder.as_uri()) == made.folder


def test_what_is_no_project_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no project yet"):
        projects.open_project(tmp_path)


@pytest.mark.parametrize("text", ["version = 2\n", "not toml", "version = 1\n"])
def test_a_damaged_or_newer_binding_is_not_overwritten(tmp_path: Path, text: str) -> None:
    file = make(tmp_path / ".cryoem") / "project.toml"
    file.write_text(text)
    with pytest.raises(FormatError):
        projects.open_project(tmp_path)
    assert file.read_text() == text
