"""How many ranks and threads relion_refine is given on a machine, and what its memory is for."""

from dataclasses import dataclass

from cryoem_cloud.apps.relion.refined import Refined
from cryoem_cloud.model.maps import map_bytes
from cryoem_cloud.model.units import human_size
from cryoem_cloud.ports.application import Shape

__all__ = ["Counts", "chosen", "lacking", "possible", "room_for_images"]

_CORES_A_WORKER = 4
"""Ranks work on particles of their own, threads of one rank wait for each other in between."""

_THREADS_AT_GPU = 16
"""Each thread takes memory of its own on the GPU; RELION's windows offer no more (THREAD_MAX)."""

_BOX = 400
"""Pixels, where they are not known."""

_FEWEST_OF_HALVES = 2


@dataclass(frozen=True, slots=True)
class Counts:
    """Ranks, one of which leads where there are several; threads of each; and GPUs for all."""

    ranks: int
    threads: int
    gpus: int = 0

    @property
    def workers(self) -> int:
        """The ranks that work on particles."""
        return max(self.ranks - 1, 1)


def chosen(work: Refined, shape: Shape, gpus: int) -> Counts:
    """What suits the machine, of which the call may use so many GPUs.

    Halves have 3 ranks at least, though the machine has fewer cores, or less memory: the leader
    mostly waits.
    """
    workers = _workers(shape, gpus, halves=work.halves)
    if work.maps:
        workers = min(workers, _memory(shape) // _map_bytes(work))
    if work.halves:
        workers = max(workers // 2 * 2, _FEWEST_OF_HALVES)
    elif workers < 2 or work.alone:  # noqa: PLR2004  (a leader and one more gain nothing)
        return Counts(1, _threads(shape, gpus, 1), gpus)
    return Counts(workers + 1, _threads(shape, gpus, workers), gpus)


def possible(work: Refined, ranks: int, *, mpi: bool) -> int:
    """The count next to the user's with which the program runs at all."""
    if not work.halves:
        return max(ranks, 2) if mpi else ranks
    return max(ranks - 1 + ranks % 2, 3)


def lacking(work: Refined, counts: Counts, shape: Shape) -> str:
    """What to know where the maps may take more memory than there is; "" where they do not."""
    needed = _map_bytes(work)
    if not work.maps or work.box is None or counts.workers * needed <= _memory(shape):
        return ""
    remedies = ["take a machine with more memory"]
    if counts.workers > (_FEWEST_OF_HALVES if work.halves else 1):
        remedies.append("fewer MPI procs")
    if work.pad > 1:
        remedies.append("skip padding (--pad 1)")
    return (
        f"maps of {work.box} pixels may take {human_size(needed)} in each of {counts.workers} "
        f"working ranks, and the machine has {human_size(_memory(shape))}; if that is not enough: "
        + ", or ".join(remedies)
    )


def room_for_images(work: Refined, counts: Counts, shape: Shape) -> int:
    """How many bytes the images may take of the memory: half of what the maps leave.

    While it reads them, 3.1.3 takes twice as much (measured).
    """
    maps = counts.workers * _map_bytes(work) if work.maps else 0
    return max(_memory(shape) - maps, 0) // 2


def _memory(shape: Shape) -> int:
    return int(shape.memory_gib * 2**30)


def _map_bytes(work: Refined) -> int:
    """What a working rank takes at most; of several classes, for one that is refined to the end."""
    return map_bytes(work.box or _BOX, work.pad)


def _workers(shape: Shape, gpus: int, *, halves: bool) -> int:
    """All GPUs have the same number of ranks."""
    if gpus:
        return 2 * gpus if halves and gpus % 2 else gpus
    return shape.cores // _CORES_A_WORKER


def _threads(shape: Shape, gpus: int, workers: int) -> int:
    threads = max(shape.cores // workers, 1)
    return min(threads, _THREADS_AT_GPU) if gpus else threads
