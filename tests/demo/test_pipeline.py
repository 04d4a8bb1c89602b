"""The demo's chain of jobs, run by the real relion_pipeliner through a queue of this computer."""

import shutil
from pathlib import Path

import pytest

from cryoem_cloud.settings import Places, environment
from demo.__main__ import demo_environment, job_runs
from demo.pipeline import ChainError, Ran, direct_queue, make_project, run_chain, statuses

needs_relion = pytest.mark.skipif(
    shutil.which("relion_pipeliner") is None, reason="needs relion: apt-get install relion"
)

FAILS = """\
#!/bin/bash
job=$(dirname "$1")
echo "the disk is full" > "$job/run.err"
touch "$job/RELION_JOB_EXIT_FAILURE"
"""


@needs_relion
@pytest.mark.relion
def test_the_chain_ends_with_particles_and_each_job_finished(tmp_path: Path) -> None:
    project = tmp_path / "it's a project"
    make_project(project, movies=2, size=512)
    told: list[Ran] = []
    ran = run_chain(
        project, direct_queue(project), environment(), until="Extract", tell=told.append
    )
    assert tuple(told) == ran
    assert [job.kind for job in ran] == ["Import", "MotionCorr", "AutoPick", "Extract"]
    assert statuses(project) == dict.fromkeys((job.folder for job in ran), "2")
    assert (project / "Extract/job004/particles.star").stat().st_size > 1000


@needs_relion
@pytest.mark.relion
def test_a_failed_job_ends_the_chain_with_what_it_said(tmp_path: Path) -> None:
    make_project(tmp_path, movies=1, size=256)
    queue = direct_queue(tmp_path)
    queue.write_text(FAILS)
    with pytest.raises(ChainError, match=r"Import/job001.*the disk is full"):
        run_chain(tmp_path, queue, environment())


def test_the_demo_keeps_to_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYOEM_STORE", "s3://mine/work")
    env = demo_environment(tmp_path)
    places = Places.read(env)
    assert "CRYOEM_STORE" not in env
    for place in (places.config, places.data, places.state, places.cache):
        assert place.is_relative_to(tmp_path)


def test_a_job_without_a_card_has_no_bytes() -> None:
    (run,) = job_runs([Ran("Import", "Import/job001", 1.5)], [])
    assert run.bytes_up is None
    assert run.lasts.total_seconds() == 1.5
