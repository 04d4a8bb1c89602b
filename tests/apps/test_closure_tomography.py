"""The closure, held against what RELION 5's programs of tomography open and need.

RELION_BIN names the folder of RELION 5's programs.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.job import Job

from .conftest import QUEUE, RelionProject, files_opened, make_job, programs_environment
from .test_closure_relion import contents, results
from .tomo_project import COMMANDS, write_tomo_project

_RELION_5 = os.environ.get("RELION_BIN", "")
"""Taken when this is imported: tests get a clean environment."""

pytestmark = [
    pytest.mark.relion,
    pytest.mark.soak,
    pytest.mark.skipif(
        not _RELION_5, reason="no RELION 5: RELION_BIN does not name the folder of its programs"
    ),
]

_LONGEST_S = 120


@dataclass(frozen=True)
class Tomo:
    """A project in which each command ran once, recorded: its job, and what it opened."""

    path: Path
    ran: Mapping[str, tuple[Job, frozenset[str]]]


@pytest.fixture(scope="session")
def tomo(tmp_path_factory: pytest.TempPathFactory) -> Tomo:
    if shutil.which("strace") is None:
        pytest.skip("needs strace: apt-get install strace")
    pytest.importorskip("mrcfile", reason="needs the demo group")
    top = tmp_path_factory.mktemp("tomo")
    project = RelionProject(top / "project", top / "records")
    project.records.mkdir()
    write_tomo_project(project.path)
    (top / "queue").write_text(QUEUE)
    (top / "queue").chmod(stat.S_IRWXU)
    ran: dict[str, tuple[Job, frozenset[str]]] = {}
    for number, label in enumerate(COMMANDS, start=1):
        folder = f"Tomo/job{number:03d}"
        known = {other: job.outputs[0] for other, (job, _) in ran.items()}
        root = "run" if "refine " in COMMANDS[label] else ""
        script = f"{COMMANDS[label].format(**known)} --o {folder}/{root}"
        job = make_job(f"{script} --pipeline_control {folder}/\n", outputs=(folder,))
        (project.path / folder).mkdir(parents=True)
        (project.path / folder / "run_submit.script").write_text(job.script)
        call(project, top / "queue", f"{folder}/run_submit.script")
        errors = (project.path / folder / "run.err").read_text()
        assert (project.path / folder / "RELION_JOB_EXIT_SUCCESS").exists(), f"{label}: {errors}"
        script_path = f"{folder}/run_submit.script"
        ran[label] = job, files_opened(project, folder) - {script_path}
    return Tomo(project.path, ran)


def call(project: RelionProject, *words: str | Path, folder: Path | None = None) -> None:
    env = programs_environment() | {"RECORDS": str(project.records)}
    env["PATH"] = f"{_RELION_5}:{env['PATH']}"
    subprocess.run(words, cwd=folder or project.path, env=env, check=True, timeout=_LONGEST_S)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("label", COMMANDS)
def test_the_closure_is_what_the_programs_open(tomo: Tomo, label: str, tmp_path: Path) -> None:
    job, opened = tomo.ran[label]
    before = project_before(tomo, job, tmp_path / "before")
    needed = {need.path for need in Relion().needs(job, Here(before)) if not need.stub}
    assert needed == opened


@pytest.mark.timeout(600)
@pytest.mark.parametrize("label", COMMANDS)
def test_a_job_gives_the_same_where_nothing_but_its_closure_is(
    tomo: Tomo, label: str, tmp_path: Path
) -> None:
    job, _ = tomo.ran[label]
    before, alone = project_before(tomo, job, tmp_path / "before"), tmp_path / "alone"
    for need in Relion().needs(job, Here(before)):
        (alone / need.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(before / need.path, alone / need.path)
    (alone / job.outputs[0]).mkdir(parents=True)
    call(RelionProject(alone, tmp_path), "bash", "-c", job.script)
    direct, ours = tomo.path / job.outputs[0], alone / job.outputs[0]
    compared = list(results(direct))
    assert compared == list(results(ours))
    assert [path for path in compared if contents(direct / path) != contents(ours / path)] == []
    assert [path for path in compared if path.suffix in {".star", ".mrc"}]


def project_before(tomo: Tomo, job: Job, copy: Path) -> Path:
    """The project without the job's outputs."""
    own = tomo.path / job.outputs[0]

    def made(folder: str, names: list[str]) -> set[str]:
        return set(names) if Path(folder) == own else set()

    shutil.copytree(tomo.path, copy, ignore=made, copy_function=os.link, symlinks=True)
    return copy
