"""Commands of which nothing is known."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.files import spoken_files
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.errors import MissingInputError, RefusedError, UsageError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.ports.application import Asked, Finished

from .conftest import make_job


def needs(project: Path, *inputs: str) -> list[str]:
    job = make_job("ls", outputs=("out",), inputs=inputs)
    return [need.path for need in Shell().needs(job, Here(project))]


def test_without_out_the_user_is_told_what_to_give() -> None:
    with pytest.raises(UsageError) as refused:
        Shell().outputs(Asked(project=Path("/nowhere"), script="ls"))
    assert "--out" in refused.value.hint


def test_files_folders_and_patterns_are_inputs(tmp_path: Path) -> None:
    for path in ("a/x", "a/b/y", "c1", "c2", "d[1]"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert needs(tmp_path, "a", "c*", "d[1]") == ["a/x", "a/b/y", "c1", "c2", "d[1]"]


def test_folders_behind_links_are_entered_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").touch()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "back").symlink_to(tmp_path / "in")
    assert needs(tmp_path, "in") == ["in/link/x"]


def test_an_input_that_is_not_in_the_folder_is_left_to_the_caller_to_find(tmp_path: Path) -> None:
    (need,) = Shell().needs(make_job("ls", outputs=("out",), inputs=("nothing",)), Here(tmp_path))
    assert (need.path, need.asked_by) == ("nothing", "--in nothing")


def test_a_pattern_that_matches_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"--in nothing\*"):
        needs(tmp_path, "nothing*")


def test_an_input_outside_the_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        needs(tmp_path, "../x")


@pytest.mark.parametrize(
    ("code", "said", "reason"),
    [
        (127, "job.sh: line 1: thing: command not found\n", "there is no program thing on the"),
        (127, "job.sh: line 1: ./thing: No such file or directory\n", "there is no program ./th"),
        (126, "job.sh: line 1: ./thing: Permission denied\n", "./thing is no program that may"),
        (1, "job.sh: line 1: in.txt: No such file or directory\n", "the command ended with exit"),
    ],
)
def test_a_program_that_could_not_start_is_named(code: int, said: str, reason: str) -> None:
    exit_ = Shell().judge(make_job("ls", outputs=("out",)), Finished(code=code, tail_err=said))
    assert exit_.outcome is Outcome.FAILURE
    assert exit_.reason.startswith(reason)
    assert f"exit code {code}" in exit_.reason


def test_a_last_line_that_did_well_hides_no_missing_program() -> None:
    finished = Finished(code=0, tail_err="bash: line 1: thing: command not found\n")
    exit_ = Shell().judge(make_job("ls", outputs=("out",)), finished)
    assert exit_.outcome is Outcome.SUCCESS
    assert exit_.reason == "warning: there is no program thing on the machine"


def test_the_exit_code_decides() -> None:
    job = make_job("ls", outputs=("out",))
    assert Shell().judge(job, Finished(code=0)).outcome is Outcome.SUCCESS
    exit_ = Shell().judge(job, Finished(code=-11, tail_err="oops\n"))
    assert exit_.outcome is Outcome.FAILURE
    assert "SIGSEGV" in exit_.reason
    assert "oops" in exit_.reason


def test_files_that_the_command_names_are_sent(tmp_path: Path) -> None:
    (tmp_path / "sub" / "maps").mkdir(parents=True)
    for name in ("sub/my-program", "sub/maps/half1.mrc", "sub/list", "sub/not-named"):
        (tmp_path / name).write_text("x")
    script = './my-program "maps/half1.mrc" maps ../nothing < list; echo ' + "x" * 5000
    found = {need.path for need in spoken_files(Here(tmp_path), script, "sub")}
    assert found == {"sub/my-program", "sub/maps/half1.mrc", "sub/list"}
    assert list(spoken_files(Here(tmp_path), "echo 'not closed", ".")) == []
