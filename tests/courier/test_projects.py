"""Which folder is which project: renamed, copied, moved, attached, given another store."""

import os
import shutil
from pathlib import Path

import pytest

from cryoem_cloud.courier.known import projects
from cryoem_cloud.courier.known.stores_used import StoresUsed
from cryoem_cloud.model.errors import FormatError, NotFoundError, RefusedError, UsageError

STORE = "file:///somewhere"
ELSEWHERE = "file:///elsewhere"


@pytest.fixture
def used(tmp_path: Path) -> StoresUsed:
    return StoresUsed(tmp_path / "state")


def change(folder: Path, said: str, instead: str) -> None:
    """What anybody who may write the folder can do."""
    file = folder / ".cryoem" / "project.toml"
    text = file.read_text()
    assert said in text
    file.write_text(text.replace(said, instead))


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_a_project_is_found_from_any_folder_in_it(used: StoresUsed, tmp_path: Path) -> None:
    made = projects.create(make(tmp_path / "Ribosome 70S!"), STORE, used)
    below = make(made.folder / "Class2D" / "job006")
    assert projects.find_folder(below) == made.folder
    assert projects.find_folder(tmp_path) is None
    assert projects.open_project(made.folder, used) == made
    assert made.name.startswith("ribosome-70s-")


def test_a_renamed_folder_stays_what_it_was(used: StoresUsed, tmp_path: Path) -> None:
    made = projects.create(make(tmp_path / "before"), STORE, used)
    made.folder.rename(tmp_path / "after")
    found = projects.open_project(tmp_path / "after", used)
    assert (found.name, found.folder) == (made.name, tmp_path / "after")
    assert projects.open_project(tmp_path / "after", used) == found


def test_a_copied_folder_becomes_a_project_of_its_own(used: StoresUsed, tmp_path: Path) -> None:
    made = projects.create(make(tmp_path / "original"), STORE, used)
    shutil.copytree(made.folder, tmp_path / "copy")
    copy = projects.open_project(tmp_path / "copy", used)
    assert copy.name != made.name
    assert copy.store == made.store
    assert projects.open_project(made.folder, used) == made


def test_a_folder_whose_original_is_gone_is_not_guessed_about(
    used: StoresUsed, tmp_path: Path
) -> None:
    made = projects.create(make(tmp_path / "original"), STORE, used)
    shutil.copytree(made.folder, tmp_path / "restored")
    shutil.rmtree(made.folder)
    with pytest.raises(UsageError, match="cryoem project move"):
        projects.open_project(tmp_path / "restored", used)
    assert projects.bind(tmp_path / "restored", used).name == made.name


def test_any_folder_name_will_do(used: StoresUsed, tmp_path: Path) -> None:
    name = os.fsdecode(b"a 'quote' \"two\"\n\ttab # % \xc3\xbc \xff")
    made = projects.create(make(tmp_path / name), STORE, used)
    assert projects.open_project(made.folder, used) == made
    assert projects.folder_of(made.folder.as_uri()) == made.folder


def test_what_is_no_project_says_so(used: StoresUsed, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no project yet"):
        projects.open_project(tmp_path, used)


@pytest.mark.parametrize(
    "text",
    [
        *("version = 2\n", "not toml", "version = 1\n"),
        'version = 1\ninode = 1\nname = "x/../../../.profile"\nstore = "file:///s"\n',
    ],
)
def test_a_damaged_or_newer_binding_is_not_overwritten(
    used: StoresUsed, tmp_path: Path, text: str
) -> None:
    file = make(tmp_path / ".cryoem") / "project.toml"
    file.write_text(text)
    with pytest.raises(FormatError):
        projects.open_project(tmp_path, used)
    assert file.read_text() == text


def test_a_store_that_somebody_else_put_in_place_of_ours_is_refused(
    used: StoresUsed, tmp_path: Path
) -> None:
    made = projects.create(make(tmp_path / "p"), STORE, used)
    change(made.folder, STORE, ELSEWHERE)
    agree = f"cryoem project attach {ELSEWHERE} {made.name}"
    for attempt in (projects.open_project, projects.bind, projects.fork):
        with pytest.raises(RefusedError, match=f"(?s){ELSEWHERE}.*{STORE}") as refused:
            attempt(made.folder, used)
        assert "cryoem project" in refused.value.hint
    with pytest.raises(RefusedError, match=agree):
        projects.open_project(made.folder, used)
    projects.attach(made.folder, ELSEWHERE, made.name, used)
    assert projects.open_project(made.folder, used).store == ELSEWHERE


@pytest.mark.parametrize("trick", ["renamed", "moved", "copied", "unclear", "below"])
def test_no_other_name_or_place_makes_another_store_pass(
    used: StoresUsed, tmp_path: Path, trick: str
) -> None:
    made = projects.create(make(tmp_path / "p"), STORE, used)
    folder = made.folder
    if trick == "below":
        folder = make(folder / "Class2D")
        shutil.copytree(made.folder / ".cryoem", folder / ".cryoem")
        change(folder, made.name, "another-name")
        change(folder, made.folder.as_uri(), folder.as_uri())
        change(folder, str(made.folder.stat().st_ino), str(folder.stat().st_ino))
    elif trick == "moved":
        change(folder, made.name, "another-name")
        folder = folder.rename(tmp_path / "moved")
    elif trick == "copied":
        change(folder, folder.as_uri(), tmp_path.as_uri())
        change(folder, str(folder.stat().st_ino), str(tmp_path.stat().st_ino))
    elif trick == "unclear":
        change(folder, str(folder.stat().st_ino), "1")
    else:
        change(folder, made.name, "another-name")
    change(folder, STORE, ELSEWHERE)
    before = (folder / ".cryoem" / "project.toml").read_text()
    with pytest.raises(RefusedError, match=STORE):
        projects.open_project(folder, used)
    assert (folder / ".cryoem" / "project.toml").read_text() == before


def test_somebody_elses_project_is_believed_at_first_and_remembered(
    used: StoresUsed, tmp_path: Path
) -> None:
    made = projects.create(make(tmp_path / "p"), STORE, StoresUsed(tmp_path / "theirs"))
    assert projects.open_project(made.folder, used) == made
    change(made.folder, STORE, ELSEWHERE)
    with pytest.raises(RefusedError):
        projects.open_project(made.folder, used)


def test_projects_of_other_stores_are_used_side_by_side(used: StoresUsed, tmp_path: Path) -> None:
    one = projects.create(make(tmp_path / "one"), STORE, used)
    two = projects.create(make(tmp_path / "two"), ELSEWHERE, used)
    three = projects.fork(one.folder, used, store=ELSEWHERE)
    assert projects.open_project(one.folder, used) == three
    assert projects.open_project(two.folder, used) == two


def test_who_may_write_the_folder_may_write_what_says_which_project_it_is(
    used: StoresUsed, tmp_path: Path
) -> None:
    folder = make(tmp_path / "shared")
    folder.chmod(0o2775)
    before = os.umask(0o022)
    try:
        projects.create(folder, STORE, used)
    finally:
        os.umask(before)
    assert (folder / ".cryoem").stat().st_mode & 0o7777 == 0o2775
    assert (folder / ".cryoem" / "project.toml").stat().st_mode & 0o7777 == 0o664
