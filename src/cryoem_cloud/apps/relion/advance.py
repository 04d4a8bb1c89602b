"""How far a running job of RELION's is, by the files that iterations and items write last."""

from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache

from cryoem_cloud.apps.relion import checkpoints, unfinished
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.apps.relion.subsets import integer_of, sizes
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.ports.application import Advance

__all__ = ["advance"]


def advance(job: Job, work: Work, sealed: Collection[str]) -> Advance | None:
    """See the port: Application.advance. Of an auto-refinement nobody knows how far it is."""
    numbers = [at for path in sealed if (at := checkpoints.iteration(job.script, path)) is not None]
    if numbers:
        call = _refinement(job.script)
        return _of_iterations(call, work, max(numbers)) if call is not None else None
    done = sum(unfinished.finishes(job, path) for path in sealed)
    if not done or not work.items:
        return None
    done = min(done, work.items)
    noun = "movies" if work.program is Program.MOTION else "micrographs"
    return Advance(share=done / work.items, told=f"{done:,} of {work.items:,} {noun}")


def _of_iterations(call: Call, work: Work, number: int) -> Advance | None:
    """By the particles that iterations take: where these are few, an iteration is short."""
    last = integer_of(call, "--iter", 0)
    if work.program is Program.REFINE3D or work.items <= 0:
        return None
    if call.has("--continue"):
        first, taken = last - int(work.iterations), [1] * int(work.iterations)
    else:
        first, taken = 0, list(sizes(call, work.items, flat=work.program is Program.CLASS2D))
    if not taken or first < 0:
        return None
    done = min(max(number - first, 0), len(taken))
    told = f"iteration {number} of {first + len(taken)}"
    return Advance(share=sum(taken[:done]) / sum(taken), told=told)


@lru_cache(maxsize=8)
def _refinement(script: str) -> Call | None:
    with suppress(FormatError):
        found = [call for call in calls(script) if checkpoints.is_refine(call)]
        return found[0] if len(found) == 1 else None
    return None
