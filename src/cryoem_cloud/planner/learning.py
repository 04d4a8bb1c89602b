"""What finished jobs teach: how much longer, or shorter, their work took than was expected."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.measured import HERE, Measured
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.performance import Rates, published, rate_of, run_s, why_unknown

__all__ = ["LEAST_S", "computer", "jobs_behind", "kinds_of", "said_of", "taught"]

LEAST_S = 60
"""Shorter jobs teach nothing: programs that start, and read, take more of their time than work."""
_FARTHEST = 100.0
"""Times from what was expected, either way: what is said to be farther was other work."""


def taught(
    measured: Iterable[Measured], kinds: Mapping[str, MachineType], rates: Rates | None = None
) -> Rates:
    """The rates (those of the package) with what these jobs took, wherever their types are known.

    A job counts once for each machine type, however often it is told; the order does not matter.
    """
    rates = rates or published()
    told: dict[tuple[int, str], Measured] = {}
    for each in sorted(measured, key=lambda one: (one.job, one.kind, one.ran_s, repr(one.work))):
        told.setdefault((each.job, each.kind), each)
    learnt: dict[tuple[str, str, str], tuple[float, ...]] = {}
    for each in told.values():
        kind = computer(each) if each.where == HERE else kinds.get(each.kind)
        rate = rate_of(each.work, rates)
        if kind is None or rate is None or each.ran_s < LEAST_S:
            continue
        if why_unknown(each.work, kind, rates):
            continue
        expected = run_s(each.work, kind, replace(rates, learnt={}))
        ratio = each.ran_s / expected.p50
        if 1 / _FARTHEST < ratio < _FARTHEST:
            key = (each.work.program.value, rate.on, kind.name)
            learnt[key] = (*learnt.get(key, ()), ratio)
    return replace(rates, learnt=learnt)


def kinds_of(prices: Catalogue) -> dict[str, MachineType]:
    """The machine types of a catalogue, by their names."""
    return {listing.kind.name: listing.kind for listing in prices.listings}


def computer(measured: Measured) -> MachineType:
    """A computer of its user's, as a machine type."""
    return MachineType(
        name=measured.kind, vcpus=max(measured.cores, 1), threads_per_core=1, memory_gib=0.0
    )


def jobs_behind(work: Work, kind: MachineType, rates: Rates) -> int:
    """How many finished jobs have taught how long such a work takes on such a machine."""
    return len(rates.learnt_of(work, kind))


def said_of(jobs: int, kind: str) -> str:
    """In words, what a time is based on; "" where that is no job."""
    if not jobs:
        return ""
    return f"from {jobs} job{'' if jobs == 1 else 's'} of this project on {kind}"
