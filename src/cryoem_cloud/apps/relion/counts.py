"""How many ranks and threads relion_refine is given on a machine."""

from dataclasses import dataclass

from cryoem_cloud.apps.relion.script import Call
from cryoem_cloud.ports.application import Shape

__all__ = ["Counts", "chosen", "possible", "splits_halves"]

_CORES_A_WORKER = 4
"""Ranks work on particles of their own, threads of one rank wait for each other in between."""

_THREADS_AT_GPU = 16
"""Each thread takes memory of its own on the GPU; RELION's windows offer no more (THREAD_MAX)."""

_GIB_A_WORKER = 18
"""What a rank takes in the last iteration of an auto-refinement with boxes of 400 pixels, which are
not known here: 3.6e-8 * (2 * box) ** 3 GB in double precision, measured with 96 and 128 pixels.
RELION's manual has 1.1e-8."""

_VOLUMES = ("--ref", "--ios", "--denovo_3dref", "--sym", "--multibody_masks")
"""With one of them a refinement has maps; class averages take little memory."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Ranks, one of which leads where there are several; and threads of each rank."""

    ranks: int
    threads: int


def splits_halves(call: Call) -> bool:
    """Whether particles are refined in two halves, which takes a leader and as many ranks each."""
    return call.has("--split_random_halves") or call.has("--multibody_masks")


def chosen(call: Call, shape: Shape, gpus: int) -> Counts:
    """What suits the machine, of which the call may use so many GPUs.

    Halves have 3 ranks at least, though the machine has fewer cores: the leader mostly waits.
    """
    halves = splits_halves(call)
    workers = _workers(shape, gpus, halves=halves)
    if halves or any(map(call.has, _VOLUMES)):
        workers = min(workers, int(shape.memory_gib // _GIB_A_WORKER))
    if halves:
        workers = max(workers // 2 * 2, 2)
    elif workers < 2 or _is_one_process(call):  # noqa: PLR2004  (a leader and one more gain nothing)
        return Counts(1, _threads(shape, gpus, 1))
    return Counts(workers + 1, _threads(shape, gpus, workers))


def possible(call: Call, ranks: int) -> int:
    """The count next to the user's with which the program runs at all."""
    if not splits_halves(call):
        return max(ranks, 2) if call.mpi else ranks
    return max(ranks - 1 + ranks % 2, 3)


def _workers(shape: Shape, gpus: int, *, halves: bool) -> int:
    """All GPUs have the same number of ranks."""
    if gpus:
        return 2 * gpus if halves and gpus % 2 else gpus
    return shape.cores // _CORES_A_WORKER


def _is_one_process(call: Call) -> bool:
    """Gradients are followed by one process; what a run continues with is not known here."""
    return any(map(call.has, ("--grad", "--sgd", "--continue")))


def _threads(shape: Shape, gpus: int, workers: int) -> int:
    threads = max(shape.cores // workers, 1)
    return min(threads, _THREADS_AT_GPU) if gpus else threads
