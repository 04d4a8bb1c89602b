"""Particles to refine, and refinements that are killed and gone on with in another folder."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.ports.application import Resumed
from demo.simulate import BLOB, MICROSCOPE, particle, rotation
from tests.apps.conftest import make_job, programs_environment

__all__ = [
    "OF_ITERATION",
    "correlation",
    "environment",
    "files",
    "go_on",
    "killed",
    "make_particles",
    "run",
    "started",
    "survivors",
]

Floats = NDArray[np.float64]

_EXTENT_ANGSTROM = MICROSCOPE.angstrom_per_pixel * 96
_RESOLUTION_ANGSTROM = 50
_OPTICS = (
    "OpticsGroup",
    "OpticsGroupName",
    "Voltage",
    "SphericalAberration",
    "AmplitudeContrast",
    "ImagePixelSize",
    "ImageSize",
    "ImageDimensionality",
)
_POLL_S = 0.0002

OF_ITERATION = re.compile(r"_it\d+_")


def make_particles(
    project: Path,
    count: int,
    *,
    sizes: tuple[float, ...] = (0.6,),
    box: int = 32,
    noise: float = 0.3,
) -> None:
    """particles.star, particles.mrcs and reference.star: projections without a microscope's faults.

    They are of one kind for each of the `sizes`, in turn, of each of which there is a reference.
    `noise` is a standard deviation, the particle's thickest part being about 1.
    """
    pixel = _EXTENT_ANGSTROM / box
    rng = np.random.default_rng(1)
    grid = np.arange(box) - box // 2
    outside = np.hypot(grid[:, None], grid) > box * 0.45
    stack = np.empty((count, box, box))
    for image, size in zip(stack, cycle(sizes), strict=False):
        tilt = float(np.rad2deg(np.arccos(rng.uniform(-1, 1))))
        turned = size * particle() @ rotation(rng.uniform(0, 360), tilt, rng.uniform(0, 360)).T
        x, y, _ = _profiles(turned, pixel, grid)
        image[:] = y @ x.T / 3 + rng.normal(0, noise, (box, box))
        image[:] = (image - image[outside].mean()) / image[outside].std()
    _write(project / "particles.mrcs", stack, pixel)
    for size in sizes:
        _write(project / f"{size}.mrc", _reference(size, pixel, grid), pixel)
    named = "".join(f"{size}.mrc\n" for size in sizes)
    (project / "reference.star").write_text(f"data_\n\nloop_\n_rlnReferenceImage #1\n{named}\n")
    optics = "\n".join(f"_rln{label} #{at}" for at, label in enumerate(_OPTICS, 1))
    rows = "".join(f"{n:06d}@particles.mrcs mic_{n % 4}.mrc 1\n" for n in range(1, count + 1))
    (project / "particles.star").write_text(
        f"\ndata_optics\n\nloop_\n{optics}\n1 one 300 2.7 0.1 {pixel} {box} 2\n\n"
        "\ndata_particles\n\nloop_\n_rlnImageName #1\n_rlnMicrographName #2\n_rlnOpticsGroup #3\n"
        f"{rows}\n"
    )


def _profiles(centres: Floats, pixel: float, grid: NDArray[np.int_]) -> list[Floats]:
    """The Gaussians of the particle along x, y and z; each is pixels by Gaussians."""
    width = max(BLOB / pixel, 0.8)
    at = centres.T / pixel
    return [np.exp(-((grid[:, None] - along) ** 2) / (2 * width**2)) for along in at]


def _reference(size: float, pixel: float, grid: NDArray[np.int_]) -> Floats:
    """The particle at low resolution."""
    x, y, z = _profiles(size * particle(), pixel, grid)
    fine = np.fft.fftn(np.einsum("zn,yn,xn->zyx", z, y, x))
    at = np.fft.fftfreq(len(grid), pixel)
    squared = at[:, None, None] ** 2 + at[:, None] ** 2 + at**2
    coarse: Floats = np.fft.ifftn(fine * np.exp(-squared * 60**2)).real
    return coarse


def _write(path: Path, data: Floats, pixel: float) -> None:
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(data.astype(np.float32))
        file.voxel_size = pixel


def correlation(one: Path, other: Path) -> float:
    """Of two maps, or two stacks of images, to a resolution that their particles tell something of.

    Two runs left alone, but of other random numbers, agree no better beyond it than noise does.
    """
    with mrcfile.open(one) as a, mrcfile.open(other) as b:
        coarse = [_lowpassed(np.asarray(file.data, np.float64)).ravel() for file in (a, b)]
    return float(np.corrcoef(coarse[0], coarse[1])[0, 1])


def _lowpassed(data: Floats) -> Floats:
    """Without what is finer than _RESOLUTION_ANGSTROM."""
    side = data.shape[-1]
    at = np.fft.fftfreq(side, _EXTENT_ANGSTROM / side)
    squared = at[:, None] ** 2 + at**2
    is_map = data.shape == (side,) * 3
    whole = squared + at[:, None, None] ** 2 if is_map else squared
    axes = (-3, -2, -1) if is_map else (-2, -1)
    passed = np.fft.fftn(data, axes=axes) * (whole < _RESOLUTION_ANGSTROM**-2)
    real: Floats = np.fft.ifftn(passed, axes=axes).real
    return real


def environment(programs: str = "") -> dict[str, str]:
    """For RELION's programs of the PATH, or of that folder."""
    env = programs_environment()
    return env | {"PATH": f"{programs}:{env['PATH']}"} if programs else env


@contextmanager
def started(project: Path, script: str, env: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A script that runs in the project, its output in `log`; it does not outlive the block."""
    for folder in make_job(script).outputs:
        (project / folder).mkdir(parents=True, exist_ok=True)
    with (project / "log").open("ab") as log:
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=project,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def run(project: Path, script: str, env: dict[str, str], *, seconds: float = 1200) -> int:
    """Run a script to its end; its exit code."""
    with started(project, script, env) as process:
        return process.wait(seconds)


def killed(project: Path, script: str, env: dict[str, str], when: Callable[[], bool]) -> None:
    """Run a script until something is so, and kill all its programs then."""
    with started(project, script, env) as process:
        while not when():
            assert process.poll() is None, (project / "log").read_text()[-2000:]
            time.sleep(_POLL_S)


def survivors(project: Path, job: str) -> set[str]:
    """What a journal would name of a job's outputs, and halves of what was written later.

    What an iteration has was sent before the file that seals it.
    """
    sealing = max((project / job).glob("*_sampling.star"), key=_age, default=None)
    for path in (project / job).iterdir():
        newer = sealing is None or _age(path) > _age(sealing)
        if newer and (sealing is None or _iteration(path) != _iteration(sealing)):
            os.truncate(path, path.stat().st_size // 2)
    return files(project, job)


def _iteration(path: Path) -> str:
    found = OF_ITERATION.search(path.name)
    return found[0] if found else ""


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def files(project: Path, job: str) -> set[str]:
    """The paths of a job's outputs."""
    return {f"{job}/{path.name}" for path in (project / job).iterdir()}


def go_on(project: Path, elsewhere: Path, script: str, env: dict[str, str]) -> Resumed:
    """Go on with what is left of a job in a folder that holds only what that takes."""
    (output,) = make_job(script).outputs
    made = survivors(project, output)
    job = make_job(script)
    resumed = Relion().resumed(job, script, Here(project), made)
    assert resumed is not None, made
    for need in Relion().needs(job, Here(project)):
        _lay_out(project, elsewhere, need.path, stub=need.stub or need.path in resumed.idle)
    for path in resumed.reads:
        _lay_out(project, elsewhere, path, stub=False)
    assert run(elsewhere, resumed.script, env) == 0, (elsewhere / "log").read_text()[-3000:]
    return resumed


def _lay_out(project: Path, elsewhere: Path, path: str, *, stub: bool) -> None:
    place = elsewhere / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if stub:
        place.touch()
    else:
        shutil.copy2(project / path, place)
