"""The closure, held against what the real programs of RELION 3.1.3 open and need."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.job import Job, Need, Outcome
from cryoem_cloud.model.work import Program
from cryoem_cloud.ports.application import Finished, Shape

from .conftest import JOBS, RelionProject, make_job, programs_environment

pytestmark = pytest.mark.relion

_HERE = Shape(cores=2, memory_gib=4, fixed=True)
_UNCOMPARED = {".eps", ".pdf", ".lst", ".log", ".com", ".out", ".err"}
"""Pictures and logs carry times and absolute paths."""
_RECORDS = {"job.star", "job_pipeline.star", "default_pipeline.star", "note.txt"}
_HEADER = 1024
_SLACK = 64 * 1024


def job_of(project: RelionProject, label: str) -> Job:
    ran = project.ran[label]
    return make_job(ran.script, script_path=f"{ran.folder}/run_submit.script")


def project_before(project: RelionProject, label: str, copy: Path) -> Path:
    """The project as it was when the job was submitted: with its script, without its outputs."""
    folder = project.path / project.ran[label].folder

    def of_the_job(here: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(here) == folder and name != "run_submit.script"}

    shutil.copytree(project.path, copy, ignore=of_the_job, copy_function=os.link, symlinks=True)
    return copy


def needs_of(job: Job, project: Path) -> tuple[set[str], set[str]]:
    """The paths whose bytes are needed, and the stubs."""
    found: list[Need] = list(Relion().needs(job, Here(project)))
    whole = {need.path for need in found if not need.stub}
    return whole, {need.path for need in found if need.stub} - whole


def run_alone(job: Job, project: Path, alone: Path) -> Finished:
    """Run the job's script in a folder that holds nothing but what it needs."""
    whole, stubs = needs_of(job, project)
    for path in whole | stubs:
        (alone / path).parent.mkdir(parents=True, exist_ok=True)
    for path in whole:
        shutil.copyfile(project / path, alone / path)
    for path in stubs:
        (alone / path).touch()
    for folder in job.outputs:
        (alone / folder).mkdir(parents=True, exist_ok=True)
    done = run_script(Relion().adapted(job, _HERE, Here(project)), alone)
    held = [name for name in Relion().held_back(job) if (alone / job.outputs[0] / name).exists()]
    return Finished(
        code=done.returncode, markers=tuple(held), tail_out=done.stdout, tail_err=done.stderr
    )


def run_script(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run it there, as an agent would."""
    return subprocess.run(
        ["bash", "-c", script],
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=programs_environment(),
        check=False,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=60,
    )


def results(folder: Path) -> Iterator[Path]:
    """The files of a job that must be the same wherever it ran, relative to its folder."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        compared = path.suffix not in _UNCOMPARED and path.name not in _RECORDS
        if path.is_file() and not path.is_symlink() and compared and path.suffix != ".script":
            yield relative


def contents(path: Path) -> bytes:
    """What is compared of a file: images without their header, which has a time in it."""
    return path.read_bytes()[_HEADER if path.suffix in {".mrc", ".mrcs", ".ctf"} else 0 :]


@pytest.mark.parametrize("label", JOBS)
def test_the_closure_is_what_the_programs_open(
    relion_project: RelionProject, label: str, tmp_path: Path
) -> None:
    opened = relion_project.ran[label].opened
    before = project_before(relion_project, label, tmp_path / "before")
    whole, _ = needs_of(job_of(relion_project, label), before)
    assert whole == opened
    sizes = {path: (before / path).stat().st_size for path in whole | opened}
    needed = sum(sizes[path] for path in whole)
    assert needed <= 1.05 * sum(sizes[path] for path in opened) + _SLACK


@pytest.mark.parametrize("label", JOBS)
def test_a_job_gives_the_same_where_nothing_but_its_closure_is(
    relion_project: RelionProject, label: str, tmp_path: Path
) -> None:
    job = job_of(relion_project, label)
    before = project_before(relion_project, label, tmp_path / "before")
    finished = run_alone(job, before, tmp_path / "alone")
    assert Relion().judge(job, finished).outcome is Outcome.SUCCESS, finished
    direct = relion_project.path / relion_project.ran[label].folder
    alone = tmp_path / "alone" / relion_project.ran[label].folder
    compared = list(results(direct))
    assert compared == list(results(alone))
    assert [path for path in compared if contents(direct / path) != contents(alone / path)] == []
    assert [path for path in compared if path.suffix in {".star", ".mrc", ".mrcs"}]


def test_class2d_goes_on_from_an_iteration_with_nothing_but_its_closure(
    relion_project: RelionProject, tmp_path: Path
) -> None:
    folder = relion_project.ran["Class2D"].folder
    script = (
        f"relion_refine --continue {folder}/run_it001_optimiser.star --o {folder}/run_ct1"
        f" --iter 2 --j 1 --pipeline_control {folder}/\n"
    )
    job = make_job(script)
    finished = run_alone(job, relion_project.path, tmp_path)
    assert Relion().judge(job, finished).outcome is Outcome.SUCCESS, finished
    assert (tmp_path / folder / "run_ct1_it002_classes.mrcs").stat().st_size > _HEADER


@pytest.mark.parametrize(
    ("label", "files"),
    [
        ("MotionCorr", ("corrected_micrographs.star", "mic_3.mrc", "mic_3.star")),
        ("CtfFind", ("micrographs_ctf.star", "mic_3.txt", "mic_3_ctffind4.log")),
        ("AutoPick", ("summary.star", "mic_3_autopick.star")),
        ("Extract", ("particles.star", "mic_3_extract.star", "mic_3.mrcs")),
    ],
)
def test_unfinished_work_is_finished_from_its_closure(
    relion_project: RelionProject, label: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    joined, *missing = files
    ran = relion_project.ran[label]
    partial, alone = tmp_path / "partial", tmp_path / "alone"
    shutil.copytree(relion_project.path, partial, symlinks=True)
    for name in missing:
        (partial / ran.folder / "Movies" / name).unlink()
    assert "--only_do_unfinished" in ran.script
    job = make_job(ran.script)
    whole, stubs = needs_of(job, partial)
    kept = [path for path in whole | stubs if path.startswith(ran.folder)]
    assert kept
    finished = run_alone(job, partial, alone)
    assert Relion().judge(job, finished).outcome is Outcome.SUCCESS, finished
    direct = relion_project.path / ran.folder
    assert (alone / ran.folder / joined).read_bytes() == (direct / joined).read_bytes()
    for name in missing:
        redone = alone / ran.folder / "Movies" / name
        assert name.endswith(".log") or contents(redone) == contents(direct / "Movies" / name)


def test_adapted_counts_give_the_same(relion_project: RelionProject, tmp_path: Path) -> None:
    shape = Shape(cores=2, memory_gib=4)
    for label in ("MotionCorr", "AutoPick"):
        job = job_of(relion_project, label)
        script = Relion().adapted(job, shape, Here(relion_project.path))
        changed = make_job(script, script_path=job.script_path)
        assert changed.script != job.script
        alone = tmp_path / label
        before = project_before(relion_project, label, tmp_path / f"{label} before")
        finished = run_alone(changed, before, alone)
        assert Relion().judge(changed, finished).outcome is Outcome.SUCCESS, finished
        folder = relion_project.ran[label].folder
        for path in results(relion_project.path / folder):
            if path.suffix == ".star":
                direct = (relion_project.path / folder / path).read_text()
                assert (alone / folder / path).read_text() == direct


_HARD_NAMES = (
    "two words",
    "don't",
    'say "so"',
    '"quoted"',
    "at@sign",
    "12@first",
    "µmicro",
    "semi;colon",
    "dollar$HOME",
    "back\\slash",
    "[ab]",
    "data_1",
    "-dash",
    b"latin-\xe9".decode("utf-8", "surrogateescape"),
)
"""Names that RELION 3.1.3 can import and correct. (It cannot where there are tabs, newlines, two
blanks in a row, or one of `#%:`.)"""


@pytest.mark.parametrize("name", _HARD_NAMES)
def test_a_movie_whose_name_relion_can_read_travels(
    relion_project: RelionProject, name: str, tmp_path: Path
) -> None:
    direct, alone = tmp_path / "direct", tmp_path / "alone"
    (direct / "Movies").mkdir(parents=True)
    shutil.copyfile(relion_project.path / "Movies/mic_1.tif", direct / f"Movies/{name}.tif")
    imported = make_job(
        'relion_import --do_movies --i "Movies/*.tif" --odir Import/job001/ --ofile movies.star'
        " --angpix 3.5 --pipeline_control Import/job001/\n"
    )
    corrected = make_job(
        "relion_run_motioncorr --i Import/job001/movies.star --o MotionCorr/job002/ --use_own"
        " --patch_x 1 --patch_y 1 --pipeline_control MotionCorr/job002/\n"
    )
    for job in (imported, corrected):
        folder = direct / job.outputs[0]
        folder.mkdir(parents=True)
        run_script(job.script, direct)
        assert (folder / "RELION_JOB_EXIT_SUCCESS").exists()
        finished = run_alone(job, direct, alone)
        assert Relion().judge(job, finished).outcome is Outcome.SUCCESS, finished
        assert list(results(folder)) == list(results(alone / job.outputs[0]))
    assert (direct / f"MotionCorr/job002/Movies/{name}.mrc").is_file()


@pytest.mark.parametrize(
    ("label", "program", "numbers"),
    [
        ("MotionCorr", Program.MOTION, {"items": 3, "pixels": 512**2, "frames": 4}),
        ("CtfFind", Program.CTF, {"items": 3, "pixels": 512**2}),
        ("CtfFind spectra", Program.CTF, {"items": 3}),
        ("AutoPick", Program.PICK, {"items": 3, "pixels": 512**2}),
        ("Extract", Program.EXTRACT, {"items": 3, "pixels": 512**2, "box_px": 32}),
        ("Class2D", Program.CLASS2D, {"box_px": 32, "classes": 2, "iterations": 2}),
        ("Select split", Program.OTHER, {}),
    ],
)
def test_the_work_is_told_by_lists_and_images_that_relion_wrote(
    relion_project: RelionProject, label: str, program: Program, numbers: dict[str, int]
) -> None:
    found = Relion().work(job_of(relion_project, label), Here(relion_project.path))
    assert found is not None
    assert found.program is program
    assert {name: getattr(found, name) for name in numbers} == numbers


def test_particles_and_their_bytes_are_those_of_the_stacks(relion_project: RelionProject) -> None:
    found = Relion().work(job_of(relion_project, "Class2D"), Here(relion_project.path))
    assert found is not None
    folder = relion_project.path / relion_project.ran["Extract"].folder
    rows = (folder / "particles.star").read_text().count(".mrcs")
    assert found.items == rows > 0
    size = sum(path.stat().st_size for path in folder.rglob("*.mrcs"))
    assert found.input_bytes == pytest.approx(size, rel=0.02)
