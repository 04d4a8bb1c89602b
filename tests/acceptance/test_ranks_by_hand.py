"""A refinement that its user left at one rank and one thread, as RELION's own programs take it.

RELION_BIN names the folder of RELION 5's programs.
"""

import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="needs the demo group")

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
    adapted = Relion().adapted(make_job(_SCRIPT), Shape(cores=2, memory_gib=8))
    assert run(tmp_path, adapted, env) == 0, (tmp_path / "log").read_text()[-2000:]
    assert (tmp_path / _JOB / "RELION_JOB_EXIT_SUCCESS").exists()
    assert (tmp_path / _JOB / "run_class001.mrc").exists()
