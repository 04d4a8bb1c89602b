"""How much memory a job's work needs, of the machine and of each of its GPUs: what cannot fit.

The rule is on the side of letting a machine be. It counts what a program must hold at the least:
where the user left the number of ranks to us, fewer of them need less memory
(docs/reference/ranks-and-threads.md).
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
        points = (work.pad * work.box_px) ** 3
        ranks = max(work.ranks, 2)  # one for each half
        alone = 2 * kind.gpus if kind.gpus % 2 else kind.gpus
        machine = ranks * map_bytes(work.box_px, work.pad)
        return Needed(_OWN_BYTES + machine, _of_gpu(work, kind, points, work.ranks or alone))
    ranks = max(work.ranks, 1)
    if work.has_maps:
        reach = _CLASSES_REACH * work.box_px
        points = work.classes * (work.pad * reach) ** 3
        others = _CLASS_BYTES_A_POINT * points * (work.classes - 1) / work.classes
        machine = ranks * (map_bytes(reach, work.pad) + int(others))
        return Needed(_OWN_BYTES + machine, _of_gpu(work, kind, points, work.ranks or kind.gpus))
    gpu = _of_gpu(work, kind, 0, work.ranks or kind.gpus)
    return Needed(_OWN_BYTES + ranks * _of_images(work), gpu)


def lacking(work: Work, kind: MachineType) -> str:
    """Why such a machine cannot do the work, in words; "" where it can, as far as we know."""
    wants = needed(work, kind)
    ranks = f" for {work.ranks} working ranks" if work.ranks > 1 else ""
    if wants.machine > kind.memory_gib * _GIB:
        return f"needs {human_size(wants.machine)} of memory{ranks}, and has less"
    if kind.gpus and wants.gpu > kind.gpu_memory_gib * _GIB:
        return f"needs {human_size(wants.gpu)} of each GPU{ranks}, and has less"
    return ""


def _of_gpu(work: Work, kind: MachineType, points: float, ranks: int) -> int:
    """Of each GPU, which so many ranks share; nothing of what a work does not use."""
    if not work.on_gpus or not kind.gpus:
        return 0
    shared = -(-ranks // kind.gpus)
    return int(shared * (_GPU_BYTES_A_POINT * points + _GPU_OWN_BYTES))


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
