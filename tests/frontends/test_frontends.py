"""What each front end is told."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

from cryoem_cloud.frontends.registry import FRONTENDS, frontend_named, name_of_caller
from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.model.job import Exit, Job, Outcome

_JOB = Job(
    number=1,
    project="p-00000000",
    name="Class2D/job008/",
    application="relion",
    frontend="relion",
    script="",
    script_path="",
    outputs=("Class2D/job008",),
    logs={},
    log_starts={},
    submitter="me",
    submitted_at="2026-01-01T00:00:00Z",
)


@pytest.mark.parametrize("name", FRONTENDS)
def test_a_front_end_has_the_name_it_is_registered_by(name: str) -> None:
    assert frontend_named(name).name == name


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="relion"):
        frontend_named("scipion")


@pytest.mark.parametrize("name", ["relion", "pipeliner", "shell"])
@pytest.mark.parametrize("outcome", Outcome)
def test_markers_of_an_outcome_are_among_all_markers(name: str, outcome: Outcome) -> None:
    frontend = frontend_named(name)
    assert set(frontend.markers(Exit(outcome=outcome))) <= set(frontend.all_markers())


@pytest.mark.parametrize("name", ["relion", "pipeliner"])
def test_a_failure_is_told_in_both_families(name: str) -> None:
    told = frontend_named(name).markers(Exit(outcome=Outcome.FAILURE))
    assert set(told) == {"RELION_JOB_EXIT_FAILURE", "PIPELINER_JOB_EXIT_FAILED"}


@pytest.mark.parametrize(
    ("name", "outcome", "marker"),
    [
        ("relion", Outcome.SUCCESS, "RELION_JOB_EXIT_SUCCESS"),
        ("relion", Outcome.ABORTED, "RELION_JOB_EXIT_ABORTED"),
        ("pipeliner", Outcome.ABORTED, "PIPELINER_JOB_EXIT_ABORTED"),
        ("controlled", Outcome.FAILURE, "RELION_JOB_EXIT_FAILURE"),
    ],
)
def test_an_outcome_is_told_to_the_caller_alone(name: str, outcome: Outcome, marker: str) -> None:
    assert frontend_named(name).markers(Exit(outcome=outcome)) == (marker,)


@pytest.mark.parametrize(
    "name",
    [
        "job.star",
        "job_pipeline.star",
        "default_pipeline.star",
        "note.txt",
        "run_submit.script",
        ".run.out.tail",
        ".run.err.tail",
        "RELION_JOB_ABORT_NOW",
    ],
)
def test_relions_own_files_are_never_sent_back(name: str) -> None:
    patterns = frontend_named("relion").own_files(_JOB)
    assert any(fnmatch(name, pattern) for pattern in patterns)


@pytest.mark.parametrize("name", ["particles.star", "RELION_OUTPUT_NODES.star", "run.out"])
def test_results_are_no_files_of_relions_own(name: str) -> None:
    patterns = frontend_named("relion").own_files(_JOB)
    assert not any(fnmatch(name, pattern) for pattern in patterns)


def test_success_of_a_pipeliners_job_is_told_to_relion_too_and_to_the_pipeliner_last() -> None:
    told = frontend_named("pipeliner").markers(Exit(outcome=Outcome.SUCCESS))
    assert told == ("RELION_JOB_EXIT_SUCCESS", "PIPELINER_JOB_EXIT_SUCCESS")


@pytest.mark.parametrize(
    "name",
    [
        "job_pipeline.star",
        "note.txt",
        "run.job",
        "continue_job.star",
        ".CCPEM_pipeliner_jobinfo",
        ".relion_lock",
        "InputFiles/map.mrc",
    ],
)
def test_the_pipeliners_own_files_are_never_sent_back(name: str) -> None:
    patterns = frontend_named("pipeliner").own_files(_JOB)
    assert any(fnmatch(name, pattern) for pattern in patterns)


def test_relion_is_made_to_look(tmp_path: Path) -> None:
    frontend_named("relion").nudge(tmp_path)
    assert (tmp_path / ".pipeline_has_changed").exists()


def test_a_project_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    frontend_named("relion").nudge(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    ("script", "path", "name"),
    [
        ("relion_refine", "Class2D/job008/run_submit.script", "relion"),
        (
            "python /x/pipeliner/scripts/job_runner.py J/job.star",
            "J/run_submit.script",
            "pipeliner",
        ),
        ("relion_refine", "mine.sh", "shell"),
        ("relion_refine", "", "shell"),
        ("relion_refine --pipeline_control Class2D/job008/", "mine.sh", "controlled"),
        ("relion_refine --pipeline_control J/", "J/run_submit.script", "relion"),
    ],
)
def test_the_caller_is_known_by_its_script(script: str, path: str, name: str) -> None:
    assert name_of_caller(script, path) == name
