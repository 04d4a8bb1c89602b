"""Refinements that their user left at one rank and one thread, as RELION's own programs take them.

RELION_BIN names the folder of RELION 5's programs.
"""

import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="needs the demo group")

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.ports.application import Shape
from tests.apps.conftest import make_job

from .refining import environment, make_particles, run

_RELION_5 = os.environ.get("RELION_BIN", "")
_JOB = "Refine3D/job001"
_SCRIPT = (
    "relion_refine --i particles.star --particle_diameter 220 --ref reference.star --ini_high 50"
    " --firstiter_cc --auto_refine --split_random_halves --sym C1 --low_resol_join_halves 40"
    " --healpix_order 1 --auto_local_healpix_order 2 --offset_range 2 --offset_step 2"
    " --oversampling 1 --pad 1 --norm --scale --flatten_solvent --zero_mask --random_seed 1"
    f" --pool 10 --j 1 --o {_JOB}/run --pipeline_control {_JOB}/"
)

_CONTINUED = (
    f"relion_refine --continue {_JOB}/{{}} --o {_JOB}/run --particle_diameter 220 --norm --scale"
    " --healpix_order 1 --auto_local_healpix_order 2 --oversampling 1 --pad 1 --flatten_solvent"
    f" --pool 10 --j 1 --pipeline_control {_JOB}/"
)
_MACHINE = Shape(cores=2, memory_gib=8)


@pytest.mark.soak
@pytest.mark.skipif(
    shutil.which("relion_refine_mpi") is None, reason="no RELION: apt-get install relion"
)
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
def test_two_cores_refine_what_one_process_refuses(programs: str, tmp_path: Path) -> None:
    make_particles(tmp_path, 100)
    env = environment(programs)
    assert run(tmp_path, _SCRIPT, env) != 0
    assert "without using MPI" in (tmp_path / "log").read_text()
    (tmp_path / _JOB / "RELION_JOB_EXIT_FAILURE").unlink()
    _refine(tmp_path, _SCRIPT, env)
    newest = max((tmp_path / _JOB).glob("run_it*_sampling.star")).name
    continued = _CONTINUED.format(newest.replace("sampling", "optimiser"))
    (tmp_path / _JOB / "run_class001.mrc").unlink()
    assert run(tmp_path, continued, env) != 0
    _refine(tmp_path, continued, env)


def _refine(project: Path, script: str, env: dict[str, str]) -> None:
    """The script as a machine of two cores gets it makes the last map."""
    made = project / _JOB / "RELION_JOB_EXIT_SUCCESS"
    made.unlink(missing_ok=True)
    adapted = Relion().adapted(make_job(script), _MACHINE, Here(project))
    assert "mpirun --bind-to none -n 3 " in adapted
    assert run(project, adapted, env) == 0, (project / "log").read_text()[-2000:]
    assert made.exists()
    assert (project / _JOB / "run_class001.mrc").exists()
