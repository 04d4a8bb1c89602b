"""A small project in which every step of the suite ran directly, without us, under strace.

RELION's own pipeliner makes each job of a job.star, so that the scripts are RELION's.
"""

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cryoem_cloud.frontends.connect import relion_files
from demo.simulate import MICROSCOPE, particle, simulate
from tests.apps.conftest import _CTFFIND, RelionProject, files_opened, programs_environment

from .relion_by_hand import LISTS
from .relion_steps import Step

__all__ = ["INPUTS", "Direct", "DirectRun", "make_direct", "programs"]

_RELION_5 = os.environ.get("RELION_BIN", "")

MOVIES, SIZE, BOX, BINNED = 4, 512, 96, 32
_PIXEL = MICROSCOPE.angstrom_per_pixel * BOX / BINNED

INPUTS = (
    "Movies",
    "Tubes",
    "bodies.star",
    "count.sh",
    "gain.mrc",
    "lower.mrc",
    "reference.mrc",
    "references.star",
    "upper.mrc",
    *LISTS,
)
"""What the user brought into the project: all else is made by jobs."""

_FIRST_COMMAND = 901
"""Jobs of commands without a window are numbered apart: RELION does not know them."""

_LONGEST_S = 400

_QUEUE = """\
#!/bin/bash
# Says at once that the job has finished: RELION's pipeliner is to make its script, no more.
touch "$(dirname "$1")/RELION_JOB_EXIT_SUCCESS"
"""

_RUN = """\
#!/bin/bash
# Runs a job's script, and records which files its programs open.
job=$(dirname "$1")
rm -f "$job/RELION_JOB_EXIT_SUCCESS"
exec strace -ff -qq --seccomp-bpf -e trace=open,openat,openat2 -o "$RECORDS/${job//\\//-}" \\
    bash "$1" > "$job/run.out" 2> "$job/run.err"
"""

_OWN_LINE = "mkdir -p XXXnameXXXParticles\n"
"""A user's own line: with MPI, relion_particle_subtract fails where its second rank writes into
this folder before the first has made it."""

_COUNT = """\
#!/bin/bash
# An external program as RELION's External job calls it: counts particles.
while [ $# -gt 0 ]; do
    case $1 in
        --o) out=$2;;
        --in_parts) particles=$2;;
    esac
    shift
done
grep -c mrcs "$particles" > "$out/count.txt"
touch "$out/RELION_JOB_EXIT_SUCCESS"
"""

_BODIES = """\
data_

loop_
_rlnBodyMaskName #1
_rlnBodyRotateRelativeTo #2
_rlnBodySigmaAngles #3
_rlnBodySigmaOffset #4
lower.mrc 2 10 2
upper.mrc 1 10 2

"""

_TYPES_3: Mapping[str, int] = {
    "Import": 0,
    "MotionCorr": 1,
    "CtfFind": 2,
    "AutoPick": 4,
    "Extract": 5,
    "Select": 7,
    "Class2D": 8,
    "Class3D": 9,
    "Refine3D": 10,
    "MaskCreate": 12,
    "JoinStar": 13,
    "Subtract": 14,
    "PostProcess": 15,
    "LocalRes": 16,
    "InitialModel": 18,
    "MultiBody": 19,
    "Polish": 20,
    "CtfRefine": 21,
    "External": 99,
}
"""RELION 3.1.3's numbers of job types (src/pipeline_jobs.h). RELION 5 has names."""


@dataclass(frozen=True, slots=True)
class DirectRun:
    """A step that ran: its folder, its script, the files its programs opened, the time it took."""

    folder: str
    script: str
    opened: frozenset[str]
    wall_s: float


@dataclass
class Direct:
    """A project, the steps that ran in it, and how its programs are called."""

    path: Path
    version: str
    env: dict[str, str]
    ran: dict[str, DirectRun] = field(default_factory=dict)

    def run(self, step: Step) -> None:
        """Run the step to its end."""
        commands = sum("/job9" in ran.folder for ran in self.ran.values())
        number = _FIRST_COMMAND + commands if step.command else len(self.ran) - commands + 1
        folder = f"{step.kind}/job{number:03d}"
        if step.command:
            (self.path / folder).mkdir(parents=True)
            script = self._filled(step.command, folder) + "\n"
            (self.path / folder / "run_submit.script").write_text(script)
        else:
            self._pipelined(step, folder)
        begun = time.monotonic()
        code = self._call(str(self.path.parent / "run"), f"{folder}/run_submit.script")
        wall_s = time.monotonic() - begun
        told = (step.label, (self.path / folder / "run.err").read_text())
        assert code == 0, told
        assert step.command or (self.path / folder / "RELION_JOB_EXIT_SUCCESS").exists(), told
        script = (self.path / folder / "run_submit.script").read_text()
        opened = files_opened(RelionProject(self.path, Path(self.env["RECORDS"])), folder)
        self.ran[step.label] = DirectRun(folder, script, opened, wall_s)
        if step.label == "Class2D":
            self._write_references(folder)

    def _pipelined(self, step: Step, folder: str) -> None:
        """Have RELION's pipeliner write the job's script; it waits for ever for a missing input."""
        top = self.path.parent
        queue = f"do_queue == Yes; qsub == {top / 'queue'}; qsubscript == {top / 'template.sh'}"
        options = f"{self._filled(step.options, folder)}; {queue}"
        asked = top / "asked.job.star"
        asked.write_text(_job_star(self._type(step.kind), options))
        self._pipeliner("--addJobFromStar", str(asked))
        schedule = ("--schedule", step.label.replace(" ", "-"))
        self._pipeliner(*schedule, "--RunJobs", f"{folder}/", "--sec_wait_after", "0")

    def _pipeliner(self, *words: str) -> None:
        code = self._call("relion_pipeliner", *words)
        assert not code, words

    def _type(self, kind: str) -> str:
        if self.version.startswith("3"):
            return f"_rlnJobType {_TYPES_3[kind]}"
        return f"_rlnJobTypeLabel relion.{kind.lower()}\n_rlnJobIsTomo 0"

    def _filled(self, text: str, folder: str) -> str:
        known = {label: ran.folder for label, ran in self.ran.items()}
        if "{optimiser}" in text:
            last = max((self.path / known["Refine3D"]).glob("run_it*_optimiser.star"))
            known["optimiser"] = str(last.relative_to(self.path))
        return text.format(**known, ctffind=self.path.parent / "ctffind", folder=folder)

    def _call(self, *words: str) -> int:
        return subprocess.run(
            words,
            cwd=self.path,
            env=self.env,
            check=False,
            timeout=_LONGEST_S,
            stdout=subprocess.DEVNULL,
        ).returncode

    def _write_references(self, class2d: str) -> None:
        """A list of class averages to pick with."""
        stack = f"{class2d}/run_it002_classes.mrcs"
        images = "".join(f"{number:06d}@{stack}\n" for number in (1, 2))
        head = "data_\n\nloop_\n_rlnReferenceImage #1\n"
        (self.path / "references.star").write_text(f"{head}{images}\n")


def _job_star(type_: str, options: str) -> str:
    """A job.star that says what a user's clicks say."""
    rows = [option.partition(" == ") for option in options.split("; ")]
    head = (
        f"data_job\n\n{type_}\n_rlnJobIsContinue 0\n\ndata_joboptions_values\n\nloop_\n"
        "_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n"
    )
    return head + "".join(f'{name} "{value}"\n' for name, _, value in rows) + "\n"


def programs(version: str) -> Path | None:
    """The folder of the programs of that version; None if they are on PATH."""
    if version.startswith("3"):
        if shutil.which("relion_pipeliner") is None or shutil.which("strace") is None:
            pytest.skip("needs relion and strace: apt-get install relion ghostscript strace")
        return None
    if not _RELION_5:
        pytest.skip("no RELION 5: RELION_BIN does not name the folder of its programs")
    return Path(_RELION_5)


def make_direct(top: Path, version: str, *, movies: int = MOVIES) -> Direct:
    """A project in which nothing has run yet."""
    folder = programs(version)
    project = top / "project"
    for made in (project, top / "records"):
        made.mkdir()
    env = programs_environment() | {"RECORDS": str(top / "records")}
    if folder is not None:
        env["PATH"] = f"{folder}:{env['PATH']}"
    simulate(project, movies=movies, size=SIZE)
    _write_maps(project)
    for name, text in {"bodies.star": _BODIES, **LISTS}.items():
        (project / name).write_text(text)
    _write_tubes(project / "Tubes", movies)
    (project / "default_pipeline.star").write_text(
        "data_pipeline_general\n\n_rlnPipeLineJobCounter 1\n"
    )
    programs_ = {
        top / "ctffind": _CTFFIND,
        top / "queue": _QUEUE,
        top / "run": _RUN,
        project / "count.sh": _COUNT,
    }
    for path, text in programs_.items():
        path.write_text(text)
        path.chmod(stat.S_IRWXU)
    template = relion_files(top, top)["qsub-template.sh"]
    (top / "template.sh").write_text(template.replace("run=\n", _OWN_LINE + "run=\n"))
    return Direct(project, version, env)


def _write_maps(project: Path) -> None:
    """The simulated particle, and masks of its two ends."""
    import mrcfile  # noqa: PLC0415  (only with the demo group)
    import numpy as np  # noqa: PLC0415

    axis = (np.arange(BINNED) - BINNED // 2) * _PIXEL
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    density = np.zeros_like(x)
    for at_x, at_y, at_z in particle():
        square = (x - at_x) ** 2 + (y - at_y) ** 2 + (z - at_z) ** 2
        density += np.exp(-square / (2 * 15.0**2))
    ball = x**2 + y**2 + z**2 < 130**2
    maps = {"reference": density, "lower": ball & (z < 10), "upper": ball & (z >= 10)}
    for name, values in maps.items():
        with mrcfile.new(project / f"{name}.mrc") as file:
            file.set_data(values.astype(np.float32))
            file.voxel_size = _PIXEL


def _write_tubes(folder: Path, movies: int) -> None:
    """Two helical tubes a micrograph, start and end; as lists of RELION 3 and of RELION 5."""
    (folder / "Movies").mkdir(parents=True)
    head = "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n"
    micrographs = "CtfFind/job005/micrographs_ctf.star\n"
    (folder / "coords_suffix_tubes.star").write_text(micrographs)
    rows = ""
    for movie in range(1, movies + 1):
        picks = f"Tubes/Movies/mic_{movie:03d}_tubes.star"
        (folder.parent / picks).write_text(head + "100 100\n400 120\n100 300\n380 400\n\n")
        rows += f"MotionCorr/job003/Movies/mic_{movie:03d}.mrc {picks}\n"
    columns = "loop_\n_rlnMicrographName #1\n_rlnMicrographCoordinates #2\n"
    (folder / "tubes.star").write_text(f"data_coordinate_files\n\n{columns}{rows}\n")
