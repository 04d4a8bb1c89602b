"""What RELION's own files say of a job."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.frontends.pipeline import PipelineWatch

_JOB = "Class2D/job008"
_ANOTHER = ("Import/job001/", "2")


class Project:
    """A project whose pipeline file is written anew, later each time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.times = 0

    def says(self, *jobs: tuple[str, str], label: str = "rlnPipeLineProcessStatus") -> None:
        rows = [f"{name} None 8 {status}" for name, status in jobs]
        text = (
            "data_pipeline_general\n\n_rlnPipeLineJobCounter 9\n\n"
            "data_pipeline_processes\n\nloop_\n"
            "_rlnPipeLineProcessName #1\n_rlnPipeLineProcessAlias #2\n_rlnPipeLineProcessType #3\n"
            f"_{label} #4\n" + "\n".join(rows) + "\n\n"
            "data_pipeline_nodes\n\nloop_\n_rlnPipeLineNodeName #1\n_rlnPipeLineNodeType #2\nx 1\n"
        )
        pipeline = self.path / "default_pipeline.star"
        pipeline.write_text(text)
        self.times += 1
        os.utime(pipeline, ns=(self.times, self.times))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("label", "statuses", "word"),
    [
        ("rlnPipeLineProcessStatus", ("0", "2"), "finished"),
        ("rlnPipeLineProcessStatus", ("0", "4"), "aborted"),
        ("rlnPipeLineProcessStatusLabel", ("Running", "Succeeded"), "finished"),
        ("rlnPipeLineProcessStatusLabel", ("Running", "Failed"), "failed"),
    ],
)
def test_a_running_job_that_is_marked_otherwise_is_given_up(
    project: Project, label: str, statuses: tuple[str, str], word: str
) -> None:
    watch = PipelineWatch()
    running, ended = statuses
    project.says((f"{_JOB}/", running), label=label)
    assert watch.runs(project.path, _JOB)
    assert watch.given_up(project.path, _JOB) == ""
    project.says((f"{_JOB}/", ended), label=label)
    assert not watch.runs(project.path, _JOB)
    assert word in watch.given_up(project.path, _JOB)


def test_a_job_that_is_scheduled_does_not_run_and_is_wanted(project: Project) -> None:
    watch = PipelineWatch()
    project.says((f"{_JOB}/", "1"))
    assert not watch.runs(project.path, _JOB)
    assert watch.given_up(project.path, _JOB) == ""


def test_a_deleted_job_is_given_up_when_the_file_is_found_so_twice(project: Project) -> None:
    watch = PipelineWatch()
    project.says(_ANOTHER)
    assert watch.given_up(project.path, _JOB) == ""
    assert "deleted" in watch.given_up(project.path, _JOB)


def test_a_file_that_was_caught_half_written_is_not_believed(project: Project) -> None:
    watch = PipelineWatch()
    project.says((f"{_JOB}/", "0"))
    watch.given_up(project.path, _JOB)
    project.says()
    assert watch.given_up(project.path, _JOB) == ""
    project.says((f"{_JOB}/", "0"))
    assert watch.given_up(project.path, _JOB) == ""


def test_while_somebody_writes_nothing_is_concluded(project: Project) -> None:
    watch = PipelineWatch()
    project.says((f"{_JOB}/", "0"))
    watch.given_up(project.path, _JOB)
    project.says((f"{_JOB}/", "2"))
    (project.path / ".relion_lock").mkdir()
    assert watch.given_up(project.path, _JOB) == ""
    (project.path / ".relion_lock").rmdir()
    assert watch.given_up(project.path, _JOB) != ""


def test_an_unchanged_file_is_not_read_again(project: Project) -> None:
    watch = PipelineWatch()
    project.says((f"{_JOB}/", "0"))
    watch.given_up(project.path, _JOB)
    pipeline = project.path / "default_pipeline.star"
    stat = pipeline.stat()
    with pipeline.open("r+b") as file:
        file.write(b"X" * stat.st_size)
    os.utime(pipeline, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert watch.given_up(project.path, _JOB) == ""
    assert watch.given_up(project.path, _JOB) == ""


def test_without_a_pipeline_nothing_is_known(tmp_path: Path) -> None:
    assert PipelineWatch().given_up(tmp_path, _JOB) == ""


@given(text=st.text(max_size=60))
def test_whatever_the_file_holds_there_is_an_answer(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("project")
    (folder / "default_pipeline.star").write_bytes(
        ("data_pipeline_processes\nloop_\n_rlnPipeLineProcessName #1\n" + text).encode(
            "utf-8", "surrogatepass"
        )
    )
    assert PipelineWatch().given_up(folder, _JOB) == ""
