"""Errors that RELION itself is made to report, and that we explain: 3.1.3, and RELION_BIN's."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.verdict import without_last_words
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.ports.application import Finished

from .conftest import RelionProject, make_job, programs_environment

pytestmark = pytest.mark.relion

_RELION_5 = os.environ.get("RELION_BIN", "")
_J = "J/job020"
_PARTICLES = "{Extract}/particles.star"
_CTF = (
    f"relion_run_ctffind --i {{MotionCorr}}/corrected_micrographs.star --o {_J}/ --Box 512"
    f" --is_ctffind4 --pipeline_control {_J}/ --ctffind_exe"
)
_MOTION = (
    f"relion_run_motioncorr --i {{Import}}/movies.star --o {_J}/ --use_own --j 1 --patch_x 1"
    f" --patch_y 1 --pipeline_control {_J}/"
)
_PICK = (
    f"relion_autopick --i {{CtfFind}}/micrographs_ctf.star --odir {_J}/ --pickname autopick"
    f" --pipeline_control {_J}/"
)
_EXTRACT = (
    "relion_preprocess --i {CtfFind}/micrographs_ctf.star {coordinates}"
    f" --part_star {_J}/particles.star --part_dir {_J}/ --extract --norm --white_dust -1"
    f" --black_dust -1 --pipeline_control {_J}/"
)
_REFINE = (
    f"relion_refine --i {_PARTICLES} --o {_J}/run --ctf --iter 1 --K 1 --oversampling 0"
    f" --psi_step 90 --offset_range 2 --offset_step 4 --pad 1 --j 1 --pipeline_control {_J}/"
)
_REFINE_3D = (
    f" --auto_refine --split_random_halves --i {_PARTICLES} --o {_J}/run --ref map.mrc --ctf"
    f" --ini_high 60 --particle_diameter 150 --healpix_order 0 --pipeline_control {_J}/"
)
_FOREIGN = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00" + bytes(200)
"""A program for RISC-V, as its first bytes say."""


def write_map(path: Path, size: int, angpix: float) -> None:
    """A ball."""
    import mrcfile  # noqa: PLC0415  (only with the demo group)
    import numpy as np  # noqa: PLC0415

    away = ((np.indices((size,) * 3) - size / 2) ** 2).sum(0)
    with mrcfile.new(path) as file:
        file.set_data(np.exp(-away / 20).astype(np.float32))
        file.voxel_size = angpix


def program(text: str | bytes) -> Callable[[Path], None]:
    """A program of that text in the project, called `mine`."""

    def make(project: Path) -> None:
        (project / "mine").write_bytes(text if isinstance(text, bytes) else text.encode())
        (project / "mine").chmod(0o755)

    return make


def without_rows(pattern: str) -> Callable[[Path], None]:
    """STAR files whose last table has lost its rows."""

    def edit(project: Path) -> None:
        paths = list(project.glob(pattern))
        assert paths
        for path in paths:
            head, mark, table = path.read_text().rpartition("\ndata_")
            kept = [line for line in table.split("\n") if re.match(r"_|loop_|\w+ *$|$", line)]
            path.write_text(head + mark + "\n".join(kept))

    return edit


def replaced(pattern: str, old: str, new: str) -> Callable[[Path], None]:
    """STAR files with another text in the place of what a pattern matches."""

    def edit(project: Path) -> None:
        for path in project.glob(pattern):
            text, count = re.subn(old, new, path.read_text(), flags=re.MULTILINE)
            assert count
            path.write_text(text)

    return edit


def gone(pattern: str) -> Callable[[Path], None]:
    """Files that are not there."""

    def remove(project: Path) -> None:
        paths = list(project.glob(pattern))
        assert paths
        for path in paths:
            path.unlink()

    return remove


def emptied(pattern: str) -> Callable[[Path], None]:
    """Files without a byte."""

    def empty(project: Path) -> None:
        paths = list(project.glob(pattern))
        assert paths
        for path in paths:
            path.write_bytes(b"")

    return empty


@dataclass(frozen=True)
class Case:
    """A command, what is done to the project before, and what the reason then says."""

    command: str
    means: str
    before: Callable[[Path], None] = lambda _: None
    outcome: Outcome = Outcome.FAILURE


_MAP = 32, 7.0
_CASES: Mapping[str, Case] = {
    "no such CTFFIND": Case(f"{_CTF} /gone/ctffind", "there is no /gone/ctffind on the machine"),
    "CTFFIND of another kind": Case(
        f"{_CTF} ./mine", "./mine is a program for another kind", program(_FOREIGN)
    ),
    "CTFFIND that fails": Case(f"{_CTF} ./mine", "_ctffind4.log", program("#!/bin/sh\nexit 1\n")),
    "CTFFIND that fails once": Case(
        f"{_CTF} ./mine",
        "some micrographs have no CTF values",
        program("#!/bin/bash\n[ -e seen ] || { touch seen; exit 1; }\nexec {ctffind}\n"),
        Outcome.SUCCESS,
    ),
    "gain of another size": Case(
        f"{_MOTION} --gainref map.mrc",
        "the gain reference has another size",
        lambda project: write_map(project / "map.mrc", *_MAP),
    ),
    "an empty movie": Case(
        _MOTION, "Movies/mic_2.tif is empty, cut off", emptied("Movies/mic_2.tif")
    ),
    "too few frames": Case(f"{_MOTION} --group_frames 4", "too few frames after grouping"),
    "references too small": Case(
        f"{_PICK} --ref references.star --particle_diameter 900 --angpix_ref 7 --ang 90",
        "the mask's diameter is larger than the references' box",
    ),
    "odd box": Case(f"{_EXTRACT} --extract_size 65 --bg_radius 12", "the box size is an odd"),
    "no background": Case(f"{_EXTRACT} --extract_size 64 --bg_radius 40", "leaves no background"),
    "outside": Case(
        f"{_EXTRACT} --extract_size 64 --bg_radius 24",
        "particle1 lies outside MotionCorr/",
        replaced("AutoPick/job006/Movies/*_autopick.star", r"^ +\d[\d.]+ ", "  9000.0 "),
    ),
    "nothing picked": Case(
        f"{_EXTRACT} --extract_size 64 --bg_radius 24",
        "no particle was extracted",
        without_rows("AutoPick/job006/Movies/*_autopick.star"),
    ),
    "nothing selected": Case(
        f"relion_star_handler --i {{CtfFind}}/micrographs_ctf.star --o {_J}/micrographs.star"
        f" --select rlnCtfMaxResolution --minval 90 --maxval 99 --pipeline_control {_J}/",
        f"{_J}/micrographs.star is empty",
        outcome=Outcome.SUCCESS,
    ),
    "diameter": Case(f"{_REFINE} --particle_diameter 600", "leaves no background in its box"),
    "no particles": Case(
        f"{_REFINE} --particle_diameter 150",
        "there is no particle in Extract/",
        without_rows("Extract/job007/particles.star"),
    ),
    "stack is missing": Case(
        f"{_REFINE} --particle_diameter 150",
        "the machine had no file Extract/job007/Movies/mic_1.mrcs:",
        gone("Extract/job007/Movies/mic_1.mrcs"),
    ),
    "optics group": Case(
        f"{_REFINE} --particle_diameter 150",
        "belong to an optics group, 1, that Extract/job007/particles.star does not define",
        replaced("Extract/job007/particles.star", r"^(opticsGroup1 +)1 ", r"\g<1>2 "),
    ),
    "box": Case(
        f"{_REFINE} --particle_diameter 150 --ref map.mrc --ini_high 60 --healpix_order 0",
        "the reference's box has 48 pixels, the particles' 32",
        lambda project: write_map(project / "map.mrc", 48, 7.0),
    ),
    "pixel size": Case(
        f"{_REFINE} --particle_diameter 150 --ref map.mrc --ini_high 60 --healpix_order 0",
        "the reference has 5 Å a pixel, the particles 7",
        lambda project: write_map(project / "map.mrc", 32, 5.0),
    ),
    "two processes": Case(
        f"mpirun -n 2 relion_refine_mpi {_REFINE_3D}",
        "Refine3D needs three MPI processes or more",
        lambda project: write_map(project / "map.mrc", *_MAP),
    ),
    "four processes": Case(
        f"mpirun -n 4 relion_refine_mpi {_REFINE_3D}",
        "Refine3D needs an odd number of MPI processes",
        lambda project: write_map(project / "map.mrc", *_MAP),
    ),
    "a first line that fails": Case(
        f"relion_refine --i gone.star --o {_J}/run --pipeline_control {_J}/\n"
        f"rm -f {_J}/RELION_JOB_EXIT_SUCCESS\ntouch {_J}/RELION_JOB_EXIT_SUCCESS",
        "the machine had no file gone.star:",
    ),
}


@pytest.mark.parametrize("name", _CASES)
@pytest.mark.parametrize(
    "programs",
    [
        "",
        pytest.param(
            _RELION_5,
            marks=pytest.mark.skipif(not _RELION_5, reason="RELION_BIN names no RELION 5"),
            id="RELION_BIN",
        ),
    ],
)
def test_what_relion_reports_is_explained(
    relion_project: RelionProject, tmp_path: Path, programs: str, name: str
) -> None:
    case = _CASES[name]
    exit_ = run(relion_project, tmp_path / "project", case, programs)
    assert exit_.outcome is case.outcome, exit_
    assert case.means in without_last_words(exit_.reason)


def run(relion: RelionProject, project: Path, case: Case, programs: str) -> Exit:
    """Run the case's command in a copy of the project, and judge it as an agent would."""
    shutil.copytree(relion.path, project, symlinks=True)
    case.before(project)
    folders = {label: ran.folder for label, ran in relion.ran.items()}
    by_suffix = f"--coord_dir {folders['AutoPick']}/ --coord_suffix _autopick.star"
    known = {
        **folders,
        "ctffind": str(relion.path.parent / "ctffind"),
        "coordinates": "--coord_list coordinates.star" if programs else by_suffix,
    }
    mine = project / "mine"
    if mine.exists() and b"{ctffind}" in mine.read_bytes():
        mine.write_text(mine.read_text().replace("{ctffind}", known["ctffind"]))
    write_coordinates(project, folders)
    (project / _J).mkdir(parents=True)
    script = case.command.format(**known)
    env = programs_environment()
    env["PATH"] = f"{programs}:{env['PATH']}" if programs else env["PATH"]
    (project / "job.sh").write_text(script + "\n")
    done = subprocess.run(
        ["bash", "job.sh"],
        cwd=project,
        env=env,
        stdin=subprocess.DEVNULL,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
    )
    job = make_job(script, outputs=(_J,))
    finished = Finished(
        code=done.returncode,
        markers=tuple(name for name in Relion().held_back(job) if (project / _J / name).exists()),
        tail_out=done.stdout,
        tail_err=done.stderr,
        read=lambda path: (project / path).read_bytes() if (project / path).is_file() else b"",
    )
    return Relion().judge(job, finished)


def write_coordinates(project: Path, folders: Mapping[str, str]) -> None:
    """The list of picks, as RELION 4 and later want it."""
    rows = [
        f"{folders['MotionCorr']}/Movies/mic_{n}.mrc"
        f" {folders['AutoPick']}/Movies/mic_{n}_autopick.star"
        for n in (1, 2, 3)
    ]
    labels = "_rlnMicrographName #1\n_rlnMicrographCoordinates #2\n"
    text = f"data_coordinate_files\n\nloop_\n{labels}" + "\n".join(rows) + "\n\n"
    (project / "coordinates.star").write_text(text)
