"""Refinements of a few simulated particles, and what is the same in two runs of one of them."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .refining import OF_ITERATION, correlation, environment, files, make_particles, run

__all__ = [
    "CLASS_2D",
    "CLASS_2D_5",
    "CLASS_3D",
    "INITIAL_MODEL_3",
    "INITIAL_MODEL_5",
    "REFINE_3D",
    "RELION_5",
    "SUCCESS",
    "Refinement",
    "correlations",
    "is_there_a_while",
    "optimiser",
    "run_alone",
    "same_names",
    "sampling",
]

RELION_5 = os.environ.get("RELION_BIN", "")
"""The folder of RELION 5's programs, where it is named."""
SUCCESS = "RELION_JOB_EXIT_SUCCESS"

LEAST_CORRELATION = 0.95

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
    late=8,
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


def sampling(project: Path, job: str, number: int) -> Path:
    """What an iteration writes last."""
    return project / job / f"run_it{number:03d}_sampling.star"


def optimiser(project: Path, job: str, number: int) -> Path:
    """What an iteration writes early, and goes on from."""
    return project / job / f"run_it{number:03d}_optimiser.star"


def is_there_a_while(path: Path) -> bool:
    """Long enough for others to be there that are written at the same time."""
    return path.exists() and time.time() - path.stat().st_mtime > _MOMENT_S


def run_alone(refinement: Refinement, project: Path, programs: str) -> None:
    """Its particles, and what it makes of them when nothing interrupts it."""
    project.mkdir()
    make_particles(project, refinement.particles)
    done = run(project, refinement.script, environment(programs))
    assert done == 0, (project / "log").read_text()[-2000:]


def same_names(alone: Path, refinement: Refinement, made: Iterable[str]) -> None:
    """The files are those of the run alone. The number of iterations may be another one."""
    assert f"{refinement.job}/{SUCCESS}" in made
    assert _without_numbers(made) == _without_numbers(files(alone, refinement.job))


def correlations(alone: Path, elsewhere: Path, refinement: Refinement) -> Mapping[str, float]:
    """Of its maps in two projects, by name: they are equivalent."""
    job = refinement.job
    found = {m: correlation(alone / job / m, elsewhere / job / m) for m in refinement.maps}
    assert min(found.values()) >= LEAST_CORRELATION, found
    return found


def _without_numbers(paths: Iterable[str]) -> set[str]:
    return {OF_ITERATION.sub("_it_", path) for path in paths}
