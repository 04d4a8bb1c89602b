"""How much memory a job's work needs, of the machine and of each of its GPUs: what cannot fit.

The rule is on the side of letting a machine be: it counts what a program must hold at the least, as
the machine's own number of ranks can be made smaller (docs/reference/ranks-and-threads.md), and
nothing of what it may hold beside that.
"""

from dataclasses import dataclass

from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.maps import map_bytes
from cryoem_cloud.model.units import human_size
from cryoem_cloud.model.work import Program, Work

__all__ = ["Needed", "lacking", "needed"]

_GIB = 2**30

_OWN_BYTES = 1 * _GIB
"""The machine's system and our agent, beside the job. Our assumption."""

_GPU_OWN_BYTES = _GIB + _GIB // 2
"""What CUDA and the images of a pool take of a GPU. Our assumption."""

_GPU_BYTES_A_POINT = 10
"""Of a GPU, for each point of a padded map: for half of its transform a reference of 2 numbers and
sums of 3, of 4 bytes each (acc_projector_impl.h, acc_backprojector_impl.h, 3.1.3 and 5.0.1). A box
of 512 on K80 dies with 12 GiB, which were measured to do it, needs 11.5 by this."""

_CLASS_BYTES_A_POINT = 20
"""Of the machine, for each further class: the same in 8 bytes each, without what one class at a
time takes while it is reconstructed (backprojector.h, projector.h)."""

_CLASSES_REACH = 0.5
"""Of all frequencies; transforms are as large as the resolution reached. EMPIAR-10028, 6 classes of
360 pixels, is RELION's benchmark on GPUs with 8 GB, which is less than it took with all of them. A
classification that is told to go further may need more. Our assumption."""

_MOVIE_BYTES = 12
"""For each pixel of each frame: 12.0 measured with RELION 3.1.3's own motion correction, 12 and 24
frames of 2048 x 2048 pixels, 1 and 2 threads (docs/evidence/model.md)."""

_MICROGRAPH_BYTES = 40
"""For each pixel: ten images of 4 bytes. Our assumption."""

_HALVES_BYTES_A_POINT = 128
"""CtfRefine and Polish hold the transforms of both half maps: half of twice the box cubed, numbers
of 16 bytes (reference_map.cpp). The box is the particles' own."""


@dataclass(frozen=True, slots=True)
class Needed:
    """Bytes, at the least: of the machine, and of each of its GPUs."""

    machine: int
    gpu: int = 0


def needed(work: Work, kind: MachineType) -> Needed:
    """What a work needs of such a machine. What it does not tell counts for nothing."""
    if work.program is Program.REFINE3D:
        box = work.pad * work.box_px
        shared = 2 if kind.gpus % 2 else 1  # halves are refined by two ranks at the least
        on_gpu = shared * (_GPU_BYTES_A_POINT * box**3 + _GPU_OWN_BYTES)
        return Needed(_OWN_BYTES + 2 * map_bytes(work.box_px, work.pad), _of(on_gpu, work))
    if work.has_maps:
        reach = _CLASSES_REACH * work.box_px
        points = (work.pad * reach) ** 3
        others = (work.classes - 1) * _CLASS_BYTES_A_POINT * points
        on_gpu = work.classes * _GPU_BYTES_A_POINT * points + _GPU_OWN_BYTES
        return Needed(_OWN_BYTES + map_bytes(reach, work.pad) + int(others), _of(on_gpu, work))
    return Needed(_OWN_BYTES + _of_images(work), _of(_GPU_OWN_BYTES, work))


def lacking(work: Work, kind: MachineType) -> str:
    """Why such a machine cannot do the work, in words; "" where it can, as far as we know."""
    wants = needed(work, kind)
    has = int(kind.memory_gib * _GIB)
    if wants.machine > has:
        return f"needs {human_size(wants.machine)} of memory, and it has {human_size(has)}"
    of_gpu = int(kind.gpu_memory_gib * _GIB)
    if kind.gpus and wants.gpu > of_gpu:
        return f"needs {human_size(wants.gpu)} of each GPU, and one has {human_size(of_gpu)}"
    return ""


def _of_images(work: Work) -> int:
    """What programs need that go through movies, micrographs or particles one at a time."""
    if work.program is Program.MOTION:
        return _MOVIE_BYTES * work.pixels * work.frames
    if work.program in {Program.CTF_REFINE, Program.POLISH, Program.POLISH_TRAIN}:
        movie = _MOVIE_BYTES * work.pixels * work.frames
        return _HALVES_BYTES_A_POINT * work.box_px**3 + movie
    if work.program is Program.CLASS2D:
        return int(_CLASS_BYTES_A_POINT * work.classes * (work.pad * work.box_px) ** 2)
    return _MICROGRAPH_BYTES * work.pixels


def _of(bytes_: float, work: Work) -> int:
    """Of GPUs nothing is needed by what does not use them."""
    return int(bytes_) if work.on_gpus else 0
