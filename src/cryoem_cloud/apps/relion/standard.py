"""A standard 2D classification: particles that are the same everywhere, and its command.

They are simulated, so that nobody has to download them: views of a few Gaussian blobs, turned and
shifted in their plane, with noise. They are the same on any computer, but for rounding.
"""

import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cryoem_cloud.model.work import Program, Work

__all__ = ["BOX_PX", "FEWEST", "IMAGES", "Standard", "written"]

BOX_PX = 128
IMAGES = 1000
"""In the stack; longer lists name its images several times, which costs a program as much."""
FEWEST = 200
"""Particles in a list."""
ITERATIONS = 10
_CLASSES, _CLASSES_ON_GPUS = 10, 50

_VIEWS, _BLOBS = 8, 6
_PIXEL_ANGSTROM = 2.0
_DIAMETER_ANGSTROM = 200
_SEED = 20261129
_STACK = "particles.mrcs"
_MRC_HEADER = struct.Struct("<10i6f3i3f2i")
_MRC_BYTES = 1024

Images = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """So many particles of the set, in as many classes as suit GPUs, or processors."""

    particles: int
    on_gpus: bool = False

    @property
    def classes(self) -> int:
        """How many the command asks for."""
        return _CLASSES_ON_GPUS if self.on_gpus else _CLASSES

    @property
    def work(self) -> Work:
        """What it computes."""
        return Work(
            program=Program.CLASS2D,
            items=self.particles,
            box_px=BOX_PX,
            classes=self.classes,
            iterations=ITERATIONS,
            on_gpus=self.on_gpus,
            input_bytes=4 * BOX_PX**2 * min(self.particles, IMAGES),
        )

    def list_in(self, folder: str) -> str:
        """The list's path, in a folder of the project."""
        return f"{folder}/particles_{self.particles:06d}.star"

    def script(self, folder: str, job: str, threads: int) -> str:
        """The command, for particles in a folder and outputs in another one of the project."""
        gpu = ' --gpu ""' if self.on_gpus else ""
        return (
            f"relion_refine --i {self.list_in(folder)} --o {job}/run --ctf"
            f" --iter {ITERATIONS} --K {self.classes} --tau2_fudge 2"
            f" --particle_diameter {_DIAMETER_ANGSTROM} --flatten_solvent --zero_mask"
            " --oversampling 1 --psi_step 12 --offset_range 5 --offset_step 2 --norm --scale"
            f" --random_seed 1 --dont_combine_weights_via_disc --pool 30 --j {threads}{gpu}\n"
        )


def written(standard: Standard, project: Path, folder: str) -> None:
    """See to it that the set is in that folder of the project; what is there is not made again."""
    (project / folder).mkdir(parents=True, exist_ok=True)
    stack = project / folder / _STACK
    if not stack.exists():
        _write(stack, _mrc(_images()))
    particles = project / standard.list_in(folder)
    if not particles.exists():
        text = "".join(_list(f"{folder}/{_STACK}", standard.particles))
        _write(particles, text.encode())


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _uniform(bits: np.random.PCG64, count: int) -> NDArray[np.float64]:
    """Numbers from 0 to 1, from raw bits: what NumPy makes of these elsewhere may change."""
    raw = np.asarray(bits.random_raw(count), dtype=np.uint64)
    return (raw >> np.uint64(11)).astype(np.float64) / 2**53


def _images() -> Images:
    """Views of a particle, as RELION wants them: with a background of mean 0 and deviation 1."""
    bits = np.random.PCG64(_SEED)
    grid = np.arange(BOX_PX) - BOX_PX / 2
    blobs = (_uniform(bits, _VIEWS * _BLOBS * 2).reshape(_VIEWS, _BLOBS, 2) - 0.5) * BOX_PX * 0.45
    widths = 3 + 4 * _uniform(bits, _VIEWS * _BLOBS).reshape(_VIEWS, _BLOBS)
    outside = np.hypot(grid[:, None], grid) > BOX_PX * 0.45
    images = np.empty((IMAGES, BOX_PX, BOX_PX), dtype=np.float32)
    for at, image in enumerate(images):
        turn, right, down = _uniform(bits, 3)
        angle = 2 * np.pi * turn
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        places = blobs[at % _VIEWS] @ rotation.T + 6 * (np.array([right, down]) - 0.5)
        across = np.exp(-((grid - places[:, :1]) ** 2) / (2 * widths[at % _VIEWS][:, None] ** 2))
        along = np.exp(-((grid - places[:, 1:]) ** 2) / (2 * widths[at % _VIEWS][:, None] ** 2))
        noise = _uniform(bits, BOX_PX**2).reshape(BOX_PX, BOX_PX) - 0.5
        shown = along.T @ across + 6 * noise
        image[:] = (shown - shown[outside].mean()) / shown[outside].std()
    return images


def _mrc(images: Images) -> bytes:
    """An MRC file of 32-bit floats, little-endian: 2014's header."""
    count, height, width = images.shape
    edges = (width * _PIXEL_ANGSTROM, height * _PIXEL_ANGSTROM, count * _PIXEL_ANGSTROM)
    head = bytearray(_MRC_BYTES)
    lows = float(images.min()), float(images.max()), float(images.mean())
    _MRC_HEADER.pack_into(
        head, 0, *(width, height, count, 2, 0, 0, 0, width, height, count), *edges,
        *(90.0, 90.0, 90.0), *(1, 2, 3), *lows, *(0, 0),
    )  # fmt: skip
    head[208:212], head[212:216] = b"MAP ", bytes((0x44, 0x44, 0, 0))
    return bytes(head) + images.astype("<f4").tobytes()


def _list(stack: str, particles: int) -> Iterator[str]:
    yield (
        "\n# version 30001\n\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnOpticsGroupName #2\n"
        "_rlnVoltage #3\n_rlnSphericalAberration #4\n_rlnAmplitudeContrast #5\n"
        "_rlnImagePixelSize #6\n_rlnImageSize #7\n_rlnImageDimensionality #8\n"
        f"1 opticsGroup1 300 2.7 0.1 {_PIXEL_ANGSTROM} {BOX_PX} 2\n\n"
        "\n# version 30001\n\ndata_particles\n\nloop_\n_rlnImageName #1\n_rlnMicrographName #2\n"
        "_rlnOpticsGroup #3\n_rlnDefocusU #4\n_rlnDefocusV #5\n_rlnDefocusAngle #6\n"
    )
    for at in range(particles):
        defocus = 8000 + 250 * (at % 40)
        yield f"{at % IMAGES + 1:06d}@{stack} mic{at % 40:03d}.mrc 1 {defocus} {defocus} 0\n"
    yield "\n"
