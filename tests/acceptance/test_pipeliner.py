"""Jobs of the real CCP-EM pipeliner, as its own API sees them.

In the Python that PIPELINER_PYTHON names; without it the package is installed once, below build/.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryoem_cloud.model.record import JSON
from demo.pipeline import connect

from .conftest import World
from .relion_user import LAUNCHERS, spare

__all__ = ["spare"]

pytestmark = [pytest.mark.relion, pytest.mark.soak, pytest.mark.timeout(900)]

_VERSION = "1.6.1"
_CLIENT = Path(__file__).parent / "pipeliner_client.py"
_BUILT = Path(__file__).parents[2] / "build" / f"ccpem-pipeliner-{_VERSION}"
_PARTICLES = """\
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnImagePixelSize #3
_rlnImageSize #4
_rlnImageDimensionality #5
_rlnVoltage #6
_rlnSphericalAberration #7
_rlnAmplitudeContrast #8
og1 1 3.0 32 2 300 2.7 0.1

# version 30001

data_particles

loop_
_rlnImageName #1
_rlnOpticsGroup #2
"""


@pytest.fixture(scope="session")
def python() -> Path:
    """A Python that has the pipeliner."""
    if named := os.environ.get("PIPELINER_PYTHON"):
        return Path(named)
    if shutil.which("relion_refine") is None:
        pytest.skip("needs RELION")
    made = _BUILT / "bin/python"
    if not (_BUILT / "complete").exists():
        shutil.rmtree(_BUILT, ignore_errors=True)
        steps = (
            (sys.executable, "-m", "venv", str(_BUILT)),
            (str(made), "-m", "pip", "install", "--quiet", f"ccpem-pipeliner=={_VERSION}"),
        )
        for step in steps:
            done = subprocess.run(step, check=False, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"ccpem-pipeliner cannot be installed: {done.stderr[-300:]}")
        (_BUILT / "complete").touch()
    return made


@dataclass
class Client:
    """Works with the pipeliner's API in the world's project."""

    world: World
    python: Path

    @property
    def project(self) -> Path:
        return self.world.project

    def says(self, *words: str) -> JSON:
        """What has become of a job, after what `words` ask of it."""
        command = 'set -a; . ./env.sh; exec "$0" "$@"'
        done = subprocess.run(
            ["sh", "-c", command, str(self.python), str(_CLIENT), *words],
            cwd=self.project,
            env=self.world.env,
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{done.stderr}\n{self.world.story()}"
        return json.loads(done.stdout.splitlines()[-1])

    def runs(self, kind: str, **fields: str) -> JSON:
        """A job of that type, from its submission to its end."""
        return self.says("run", kind, *(f"{name}={value}" for name, value in fields.items()))

    def text(self, path: str) -> str:
        return (self.project / path).read_text()

    def markers(self, folder: str) -> set[str]:
        return {path.name for path in (self.project / folder).glob("*_JOB_*")}


@pytest.fixture
def client(world: World, python: Path, spare: Path) -> Client:
    shutil.copytree(spare / "Movies", world.project / "Movies")
    shutil.copy(spare / "gain.mrc", world.project / "gain.mrc")
    grid = np.mgrid[-16:16, -16:16, -16:16].astype(np.float32)
    ball = np.exp(-(grid**2).sum(axis=0) / 50)
    random = np.random.default_rng(1)
    _write(world.project / "map.mrc", ball)
    noisy = [ball.sum(axis=0) + random.normal(0, 3, (32, 32)) for _ in range(60)]
    _write(world.project / "images.mrcs", np.array(noisy))
    rows = "".join(f"{number:06d}@images.mrcs 1\n" for number in range(1, 61))
    (world.project / "particles.star").write_text(_PARTICLES + rows)
    (world.project / "bad.mrc").write_bytes(b"no map")
    world.env |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    connect(world.project, LAUNCHERS, world.env)
    return Client(world, python)


def _write(path: Path, data: "np.ndarray[tuple[int, ...], np.dtype[np.floating]]") -> None:
    with mrcfile.new(path) as file:
        file.set_data(data.astype(np.float32))
        file.voxel_size = 3.0


def test_success_and_its_nodes(client: Client) -> None:
    seen = client.runs("relion.maskcreate", fn_in="map.mrc")
    folder = seen["folder"]
    assert (seen["status"], seen["error"]) == ("Succeeded", "")
    assert seen["nodes"] == [f"{folder}/mask.mrc"]
    assert (client.project / folder / "mask.mrc").stat().st_size > 1000
    assert f"{folder}/mask.mrc" in client.text(f"{folder}/job_pipeline.star")
    assert "Running command 2 of 2: relion_mask_create" in client.text(f"{folder}/run.out")
    assert "RELION version" in client.text(f"{folder}/run.out")
    assert client.text(f"{folder}/run.out").endswith("Job finished\n")
    assert "relion_mask_create --i map.mrc" in client.text(f"{folder}/note.txt")
    assert client.markers(folder) == {"RELION_JOB_EXIT_SUCCESS", "PIPELINER_JOB_EXIT_SUCCESS"}


def test_movies_go_through_two_jobs_with_ranks_and_steps_at_home(client: Client) -> None:
    imported = client.runs("relion.import.movies", fn_in_raw="Movies/*.tif", angpix="3.5")
    assert imported["status"] == "Succeeded"
    star = f"{imported['folder']}/movies.star"
    seen = client.runs(
        "relion.motioncorr.own",
        input_star_mics=star,
        fn_gain_ref="gain.mrc",
        patch_x="1",
        patch_y="1",
        nr_mpi="2",
    )
    folder = seen["folder"]
    assert seen["status"] == "Succeeded"
    assert f"{folder}/corrected_micrographs.star" in seen["nodes"]
    said = client.text(f"{folder}/run.out")
    assert "mpirun -n 2 relion_run_motioncorr_mpi" in said
    assert "check_star_file.py" in said[said.index("ccpem-pipeliner") :]


def test_failure(client: Client) -> None:
    seen = client.runs("relion.maskcreate", fn_in="bad.mrc")
    folder = seen["folder"]
    assert (seen["status"], seen["nodes"]) == ("Failed", [])
    assert "bad.mrc" in client.text(f"{folder}/run.err")
    assert "Failed" in client.text(f"{folder}/job_pipeline.star")
    assert client.markers(folder) == {"RELION_JOB_EXIT_FAILURE", "PIPELINER_JOB_EXIT_FAILED"}


def test_abort_reaches_the_program_and_leaves_no_request_behind(client: Client) -> None:
    seen = client.says(
        *("start", "relion.class2d.em", "fn_img=particles.star", "particle_diameter=60"),
        *("nr_classes=2", "nr_iter_em=900"),
    )
    folder = seen["folder"]
    assert seen["status"] == "Running"
    first = client.project / folder / "run_it001_model.star"
    client.world.wait_for(first.exists, seconds=120)
    assert client.says("abort", f"{folder}/")["status"] == "Aborted"
    assert "Aborted" in client.text(f"{folder}/job_pipeline.star")
    assert client.markers(folder) == {"PIPELINER_JOB_EXIT_ABORTED"}
    client.world.wait_for(lambda: not client.world.processes("command"), seconds=30)


def test_a_refused_submission_is_seen_at_once_with_its_reason(client: Client) -> None:
    seen = client.runs("relion.import", fn_in_other="gain.mrc")
    folder = seen["folder"]
    assert seen["status"] == "Failed"
    assert "cryoem-qsub" in seen["error"]
    assert "Submit to queue: No" in client.text(f"{folder}/run.err")
    assert client.markers(folder) == {"RELION_JOB_EXIT_FAILURE", "PIPELINER_JOB_EXIT_FAILED"}


def test_a_courier_that_is_killed_in_the_first_and_in_the_last_steps_ends_a_job_once(
    client: Client,
) -> None:
    world = client.world
    folder = client.says("start", "relion.maskcreate", "fn_in=map.mrc")["folder"]
    for script in ("cryoem_plan.py", "cryoem_tail.py"):
        world.wait_for(partial(_runs, world, script), seconds=120)
        world.kill("courier")
        if script == "cryoem_tail.py":
            world.wait_for(lambda: not _runs(world, "cryoem_tail.py"), seconds=60)
        world.wake()
    assert client.says("wait", f"{folder}/")["status"] == "Succeeded"
    assert client.text(f"{folder}/run.out").count("Job finished") == 1
    assert client.text(f"{folder}/note.txt").count("running job") == 1


def _runs(world: World, script: str) -> bool:
    """Whether one of our scripts for the user's Python runs."""
    return any(word.endswith(script) for one in world.processes() for word in one.words)
