"""Jobs once more: retry and resume, and what is said of RELION's own list of jobs."""

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import User

FOLDER = "MaskCreate/job007"
RUNNING, FINISHED, FAILED, ABORTED = "0", "2", "3", "4"
"""RELION 3.1's numbers."""


def listed(user: User, status: str, folder: str = FOLDER) -> None:
    (user.folder / "default_pipeline.star").write_text(
        "data_pipeline_general\n\n_rlnPipeLineJobCounter 9\n\n"
        "data_pipeline_processes\n\nloop_\n_rlnPipeLineProcessName #1\n"
        "_rlnPipeLineProcessAlias #2\n_rlnPipeLineProcessType #3\n_rlnPipeLineProcessStatus #4\n"
        f"{folder}/ None 8 {status}\n\n"
    )


def handed_in(user: User, program: str, *, reads: str = "map.mrc") -> None:
    """Job 1, by RELION, of a stand-in for a program of RELION's, to its end."""
    (user.folder / "bin").mkdir()
    stand_in = user.folder / "bin/relion_mask_create"
    stand_in.write_text(f"#!/bin/sh\n{program}\n")
    stand_in.chmod(0o755)
    user.env["PATH"] = f"{user.folder}/bin:{user.env['PATH']}"
    (user.folder / "map.mrc").touch()
    (user.folder / FOLDER).mkdir(parents=True)
    script = user.folder / FOLDER / "run_submit.script"
    script.write_text(
        f"#!/bin/bash\nrelion_mask_create --i {reads} --o {FOLDER}/mask.mrc"
        f" --pipeline_control {FOLDER}/\n"
    )
    listed(user, RUNNING)
    assert user.type("cryoem-qsub", str(script)).code == 0
    user.type("cryoem", "wait", "1")


FAILS = "echo no >&2; exit 1"
WORKS = f"echo made; touch {FOLDER}/mask.mrc {FOLDER}/RELION_JOB_EXIT_SUCCESS"


@pytest.mark.parametrize(("status", "word"), [(FAILED, "failed"), (ABORTED, "aborted")])
def test_retry_says_how_relion_hears_of_it(user: User, status: str, word: str) -> None:
    handed_in(user, FAILS)
    listed(user, status)
    said = user.cryoem("retry", "1").err
    assert f"RELION goes on showing {FOLDER} as {word}" in said
    assert "under Job actions: Mark as finished" in said


@pytest.mark.parametrize("status", [RUNNING, FINISHED])
def test_retry_says_nothing_where_relion_will_see_it(user: User, status: str) -> None:
    handed_in(user, FAILS)
    listed(user, status)
    assert "RELION" not in user.cryoem("retry", "1").err


def test_retry_warns_of_a_job_that_relion_does_not_list(user: User) -> None:
    handed_in(user, FAILS)
    listed(user, FINISHED, "Class2D/job006")
    trash = user.folder / "Trash" / FOLDER
    trash.parent.mkdir(parents=True)
    shutil.move(user.folder / FOLDER, trash)
    said = user.cryoem("retry", "1").err
    assert f"RELION does not list {FOLDER} any more, and has moved {FOLDER} to Trash" in said


def test_what_is_no_job_of_relions_has_nothing_to_do_with_its_list(user: User) -> None:
    listed(user, FAILED)
    number = user.submit("a", "exit 1")
    user.type("cryoem", "wait", str(number))
    assert "RELION" not in user.cryoem("retry", str(number)).err


def test_resume_refuses_a_job_that_has_ended_well(user: User) -> None:
    handed_in(user, WORKS)
    refused = user.type("cryoem", "resume", "1")
    assert refused.code == 2
    assert "job 1 has ended well" in refused.err
    assert "Continue!" in refused.err
    assert "cryoem retry 1" in refused.err


@pytest.mark.parametrize("command", ["retry", "resume"])
def test_a_job_whose_folder_another_job_works_in_is_not_handed_in_again(
    user: User, command: str
) -> None:
    handed_in(user, FAILS)
    (user.folder / "bin/relion_mask_create").write_text("#!/bin/sh\nsleep 60\n")
    again = user.cryoem("retry", "1").out.split()[-1]
    refused = user.type("cryoem", command, "1")
    assert refused.code == 2
    assert f"job {again} works in {FOLDER} now" in refused.err
    assert f"cryoem stop {again}" in refused.err
    user.cryoem("stop", again)
    user.type("cryoem", "wait", again)


def test_resume_refuses_a_job_that_has_ended_well_under_another_number(user: User) -> None:
    handed_in(user, FAILS)
    works = user.folder / "bin/relion_mask_create"
    works.write_text(f"#!/bin/sh\n{WORKS}\n")
    again = user.cryoem("retry", "1").out.split()[-1]
    assert user.type("cryoem", "wait", again).code == 0
    refused = user.type("cryoem", "resume", "1")
    assert refused.code == 2
    assert f"job {again} has ended well" in refused.err


def test_logs_of_a_job_that_was_refused_before_it_ran_say_why(user: User) -> None:
    handed_in(user, "echo never", reads="nothing.mrc")
    said = user.cryoem("logs", "1")
    assert said.out == ""
    assert "nothing.mrc does not exist" in said.err


def test_a_folder_that_is_no_project_is_told(user: User, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert (
        f"{elsewhere} is in no project; there are no jobs" in user.cryoem("ls", cwd=elsewhere).err
    )
    user.submit("a", "true")
    user.cryoem("wait", "1")
    name = user.cryoem("project", "show", "--json").json["name"]
    said = user.cryoem("ls", cwd=elsewhere)
    assert "is in no project; these are the jobs of all projects" in said.err
    head, row = said.out.splitlines()
    assert head.split() == ["JOB", "PROJECT", "NAME", "STATE", "NOTE"]
    assert row.split()[:4] == ["1", name, "a", "success"]
    assert user.cryoem("ls", "--all").out == said.out
    assert user.cryoem("ls", "--all").err == ""
