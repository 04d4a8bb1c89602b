"""Refinements that are killed at any moment, and gone on with elsewhere: RELION's own programs.

RELION_BIN names the folder of RELION 5's programs.
"""

import os
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="needs the demo group")

from cryoem_cloud.ports.application import Resumed

from .refining import (
    OF_ITERATION,
    correlation,
    environment,
    files,
    go_on,
    killed,
    make_particles,
    run,
)

_RELION_5 = os.environ.get("RELION_BIN", "")
SUCCESS = "RELION_JOB_EXIT_SUCCESS"

pytestmark = pytest.mark.skipif(
    shutil.which("relion_refine") is None, reason="no RELION: apt-get install relion"
)

_PARTICLES = "--i particles.star --particle_diameter 220 --random_seed 1 --pool 10 --j 1"
_SHORT = "--offset_range 2 --offset_step 2 --pad 2 --norm --scale"
_ENDS = "--flatten_solvent --zero_mask --o {job}/run --pipeline_control {job}/"
_INITIAL = "--denovo_3dref --K 1 --sym C1 --healpix_order 1 --oversampling 0"


@dataclass(frozen=True)
class Refinement:
    """A job: its folder, its commands, the maps to compare.

    Of the iterations that it writes, `early` is one of the first, and `late` one of the last.
    """

    job: str
    commands: str
    maps: tuple[str, ...]
    early: int = 1
    late: int = 3
    particles: int = 150

    @property
    def script(self) -> str:
        """As RELION's windows write it, in short."""
        return self.commands.format(job=self.job)


CLASS_2D = Refinement(
    "Class2D/job001",
    f"relion_refine {_PARTICLES} {_SHORT} --iter 5 --K 1 --tau2_fudge 2 --psi_step 12"
    f" --oversampling 1 --center_classes {_ENDS}",
    ("run_it005_classes.mrcs",),
    late=4,
)
CLASS_3D = Refinement(
    "Class3D/job002",
    f"relion_refine {_PARTICLES} {_SHORT} --ref reference.star --ini_high 50 --firstiter_cc"
    f" --iter 6 --K 1 --sym C1 --tau2_fudge 4 --healpix_order 1 --oversampling 1 {_ENDS}",
    ("run_it006_class001.mrc",),
    late=5,
)
REFINE_3D = Refinement(
    "Refine3D/job003",
    f"mpirun -n 3 relion_refine_mpi {_PARTICLES} {_SHORT} --ref reference.star --ini_high 50"
    " --auto_refine --split_random_halves --sym C1 --low_resol_join_halves 40 --healpix_order 1"
    f" --oversampling 1 --auto_local_healpix_order 2 --firstiter_cc {_ENDS}",
    ("run_class001.mrc", "run_half1_class001_unfil.mrc", "run_half2_class001_unfil.mrc"),
    particles=300,
)
INITIAL_MODEL_3 = Refinement(
    "InitialModel/job004",
    f"relion_refine {_PARTICLES} {_SHORT} --sgd --sgd_ini_iter 4 --sgd_inbetween_iter 8"
    " --sgd_fin_iter 4 --sgd_write_iter 4 --sgd_ini_resol 80 --sgd_fin_resol 60"
    f" --sgd_ini_subset 30 --sgd_fin_subset 60 {_INITIAL} {_ENDS}",
    ("run_it016_class001.mrc",),
    early=4,
    late=12,
)
INITIAL_MODEL_5 = Refinement(
    "InitialModel/job004",
    f"relion_refine {_PARTICLES} {_SHORT} --grad --iter 16 --grad_write_iter 4 {_INITIAL}"
    f" --tau2_fudge 4 {_ENDS}\n"
    "rm -f {job}/RELION_JOB_EXIT_SUCCESS\n"
    "relion_align_symmetry --i {job}/run_it016_model.star --o {job}/initial_model.mrc --sym C1"
    " --apply_sym --select_largest_class --pipeline_control {job}/\n"
    "touch {job}/RELION_JOB_EXIT_SUCCESS",
    ("run_it016_class001.mrc", "initial_model.mrc"),
    early=4,
    late=12,
)
CLASS_2D_5 = Refinement(
    "Class2D/job005",
    f"relion_refine {_PARTICLES} {_SHORT} --grad --iter 12 --grad_write_iter 4 --K 2"
    " --class_inactivity_threshold 0.1 --tau2_fudge 2 --psi_step 20 --oversampling 1"
    f" --center_classes {_ENDS}",
    ("run_it012_classes.mrcs",),
    early=4,
    late=8,
)

_MOMENT_S = 0.1
_GONE_ON = re.compile(r"--continue \S+_it(\d+)_optimiser\.star ")


def sampling(project: Path, job: str, number: int) -> Path:
    """What an iteration writes last."""
    return project / job / f"run_it{number:03d}_sampling.star"


def kill_in_iteration(project: Path, refinement: Refinement, number: int, programs: str) -> None:
    """Kill it while it does the iteration after that one."""
    last = sampling(project, refinement.job, number)
    killed(project, refinement.script, environment(programs), lambda: is_there_a_while(last))


def kill_while_writing(project: Path, refinement: Refinement, number: int, programs: str) -> None:
    """Kill it while it writes that iteration, having begun and not yet come to the last file.

    It waits there: the last file is a pipe that nobody reads.
    """
    first = project / refinement.job / f"run_it{number:03d}_optimiser.star"
    last = sampling(project, refinement.job, number)
    first.parent.mkdir(parents=True)
    os.mkfifo(last)
    killed(project, refinement.script, environment(programs), lambda: is_there_a_while(first))
    last.unlink()


def is_there_a_while(path: Path) -> bool:
    """Long enough for others to be there that are written at the same time."""
    return path.exists() and time.time() - path.stat().st_mtime > _MOMENT_S


def check(refinement: Refinement, top: Path, programs: str, moments: str) -> None:
    """Killed at these moments, it comes to the same end as left alone."""
    job = refinement.job
    alone = top / "alone"
    alone.mkdir()
    make_particles(alone, refinement.particles)
    done = run(alone, refinement.script, environment(programs))
    assert done == 0, (alone / "log").read_text()[-2000:]
    for moment in moments.split():
        lost, elsewhere = top / f"lost {moment}", top / f"elsewhere {moment}"
        elsewhere.mkdir()
        shutil.copytree(alone, lost, ignore=lambda _, names: {job.partition("/")[0]} & {*names})
        if moment == "half":
            kill_while_writing(lost, refinement, refinement.late, programs)
        else:
            kill_in_iteration(lost, refinement, getattr(refinement, moment), programs)
        resumed = go_on(lost, elsewhere, refinement.script, environment(programs))
        told = _GONE_ON.search(resumed.script)
        assert told is not None
        whole = {"early": refinement.early, "half": refinement.early, "late": refinement.late}
        assert int(told[1]) >= whole[moment]
        assert moment != "half" or int(told[1]) < refinement.late
        agrees_with(alone, elsewhere, refinement, resumed)


def agrees_with(alone: Path, elsewhere: Path, refinement: Refinement, resumed: Resumed) -> None:
    """The same names, and maps that are equivalent. The number of iterations may be another one."""
    job = refinement.job
    made = files(elsewhere, job) | resumed.stands
    assert f"{job}/{SUCCESS}" in made
    assert _without_numbers(made) == _without_numbers(files(alone, job))
    found = {m: correlation(alone / job / m, elsewhere / job / m) for m in refinement.maps}
    assert min(found.values()) >= 0.95, (resumed.script, found)


def _without_numbers(paths: Iterable[str]) -> set[str]:
    return {OF_ITERATION.sub("_it_", path) for path in paths}


def test_class_averages_killed_while_an_iteration_is_written(tmp_path: Path) -> None:
    check(CLASS_2D, tmp_path, "", "half")


@pytest.mark.soak
@pytest.mark.parametrize("refinement", [CLASS_2D, CLASS_3D, REFINE_3D, INITIAL_MODEL_3])
def test_refinements_of_relion_3(refinement: Refinement, tmp_path: Path) -> None:
    check(refinement, tmp_path, "", "early half late")


@pytest.mark.soak
@pytest.mark.skipif(not _RELION_5, reason="RELION_BIN does not name the folder of RELION 5")
@pytest.mark.parametrize("refinement", [CLASS_2D, CLASS_3D, REFINE_3D, INITIAL_MODEL_5, CLASS_2D_5])
def test_refinements_of_relion_5(refinement: Refinement, tmp_path: Path) -> None:
    check(refinement, tmp_path, _RELION_5, "early half late")
