"""How a refinement is fitted to a machine: ranks, threads, GPUs, and what is kept in memory."""

from dataclasses import dataclass

from cryoem_cloud.apps.relion.counts import Counts, chosen, lacking, possible, room_for_images
from cryoem_cloud.apps.relion.edits import Edit, without_flag
from cryoem_cloud.apps.relion.launching import (
    counted_as,
    gpus_for,
    launched,
    launcher,
    rank_word,
    variable,
)
from cryoem_cloud.apps.relion.refined import image_bytes, refined
from cryoem_cloud.apps.relion.row import Program
from cryoem_cloud.apps.relion.script import Call
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.view import View

__all__ = ["Fitted", "fit"]

_PREREAD = "--preread_images"


@dataclass(frozen=True, slots=True)
class Fitted:
    """Changes of the script, and what its user should know."""

    edits: tuple[Edit, ...]
    remarks: tuple[str, ...]


def fit(call: Call, row: Program, shape: Shape, view: View, *, job: Job, free: bool) -> Fitted:
    """A call of relion_refine on a machine; `free` says that its user left the counts to us.

    Of a count that the script computes nothing is known but what its queue was told, and nothing is
    done where it was not.
    """
    work = refined(call, view)
    if free:
        counts = chosen(work, shape, gpus_for(call, row, shape))
        edits = [*counted_as(call, row, counts, job.script)]
    elif (said := _said(call, job)).isdecimal():
        counts = Counts(possible(work, int(said), mpi=call.mpi), 1)
        edits = [*launched(call, counts.ranks, job.script)] if said != str(counts.ranks) else []
    else:
        return Fitted((), ())
    remarks = [lacking(work, counts, shape)]
    if call.has(_PREREAD) and (size := image_bytes(work.particles, view)):
        copies = _copies(call, counts)
        if copies * size > room_for_images(work, counts, shape):
            edits += without_flag(call, _PREREAD)
            remarks.append(_too_many(size, copies, shape))
    return Fitted(tuple(edits), tuple(filter(None, remarks)))


def _copies(call: Call, counts: Counts) -> int:
    """How many processes read all images: also the one that leads, or it alone for all.

    MlOptimiser::read (ml_optimiser.cpp of 3.1.3 and 5.0.1), do_preread.
    """
    return 1 if call.has("--no_parallel_disc_io") else counts.ranks


def _too_many(size: int, copies: int, shape: Shape) -> str:
    memory = human_size(int(shape.memory_gib * 2**30))
    processes = counted(copies, "process", "processes")
    return (
        f"{_PREREAD} is left out: {human_size(size)} of images in the memory of "
        f"{processes} are too much for the {memory} of the machine"
    )


def _said(call: Call, job: Job) -> str:
    """The user's count of ranks; where something that we do not know starts them, as told to us."""
    word = rank_word(call)
    if word is not None:
        return word.text
    if call.mpi and call.at and launcher(call) is None:
        return str(job.wish.ranks) if variable(call) and job.wish.ranks > 1 else ""
    return "1"
