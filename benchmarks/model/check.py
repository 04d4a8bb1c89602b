"""How well the performance model tells times that it was not fitted to.

Each timing of timings.csv is left out in turn, the model's units and GPU factors are fitted to the
others, and what it then says of the one is held against what was measured. Once more with all
timings of a job left out, which is nearer to a user's new data set.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path
from statistics import fmean, median

from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.performance import Rate, Rates, rate_of, run_s

__all__ = ["Errors", "Timing", "errors_of", "fitted", "left_out", "timings"]

_FILE = Path(__file__).with_name("timings.csv")
_GPUS, _VECTORS = "gpus", "vectors"
_ON = frozenset({_VECTORS, "cores", "fixed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A published timing: of which job of which data set, on what, and the seconds it took."""

    job: str
    work: Work
    machine: MachineType
    seconds: float
    source: str


@dataclass(frozen=True, slots=True)
class Errors:
    """Of so many timings: the median error as a share, and how many times off nine of ten are.

    `bias` is the middle of what the model says over what was measured.
    """

    number: int
    median: float
    nine_of_ten: float
    bias: float


def timings() -> tuple[Timing, ...]:
    """Those of the table that are in use."""
    with _FILE.open(encoding="utf-8", newline="") as table:
        return tuple(_timing(row) for row in csv.DictReader(table) if row["use"] == "yes")


def fitted(known: Sequence[Timing], rates: Rates) -> Rates:
    """The rates with units and GPU factors that fit the timings best, each as the mean logarithm.

    What no timing tells of stays as it was. The hosts and cores of the timings are the unit.
    """
    plain = replace(rates, host=Spread.exactly(1), core=Spread.exactly(1))
    first = _with_units(_on(known, plain, reference=True), plain)
    return _with_gpus(_on(known, first, reference=False), first)


def left_out(
    known: Sequence[Timing], rates: Rates, same: Callable[[Timing, Timing], bool]
) -> list[tuple[Timing, float]]:
    """Each timing, and the seconds that the model says without those that are the `same`."""
    found = []
    for one in known:
        others = [other for other in known if not same(one, other)]
        found.append((one, run_s(one.work, one.machine, fitted(others, rates)).p50))
    return found


def errors_of(told: Sequence[tuple[Timing, float]]) -> Errors:
    """How far what the model says is from what was measured."""
    ratios = sorted(log(said / one.seconds) for one, said in told)
    sizes = sorted(map(abs, ratios))
    nine = sizes[min(int(0.9 * len(sizes)), len(sizes) - 1)]
    return Errors(len(ratios), exp(median(sizes)) - 1, exp(nine), exp(median(ratios)))


def _timing(row: dict[str, str]) -> Timing:
    on, count = row["on"], int(row["count"])
    on_gpus = on not in _ON
    work = Work(
        program=Program(row["program"]),
        items=int(row["particles"]),
        box_px=int(row["box_px"]),
        classes=int(row["classes"]),
        iterations=float(row["iterations"] or 0),
        on_gpus=on_gpus,
        on_vectors=on == _VECTORS,
    )
    machine = MachineType(
        name=row["hardware"],
        vcpus=8 * count if on_gpus else count,
        threads_per_core=1,  # so many threads were told, and no more is known
        memory_gib=1024,
        processor="Intel Skylake",
        gpu=on if on_gpus else "",
        gpus=count if on_gpus else 0,
        gpu_memory_gib=32 if on_gpus else 0,
    )
    return Timing(
        job=f"{row['dataset']} {row['job']}",
        work=work,
        machine=machine,
        seconds=float(row["seconds"]),
        source=row["source"],
    )


def _on(known: Sequence[Timing], rates: Rates, *, reference: bool) -> list[tuple[Timing, Rate]]:
    """The timings, with their rates, on what units are of, or else on other GPUs."""
    rated = [(one, rate_of(one.work, rates)) for one in known]
    return [
        (one, rate)
        for one, rate in rated
        if rate is not None and (one.machine.gpu == rate.gpu or rate.on != _GPUS) == reference
    ]


def _with_units(rated: Sequence[tuple[Timing, Rate]], rates: Rates) -> Rates:
    programs = dict(rates.programs)
    for program, before in rates.programs.items():
        after = []
        for rate in before:
            of = [one for one, its in rated if its is rate]
            off = [log(one.seconds / run_s(one.work, one.machine, rates).p50) for one in of]
            by = exp(fmean(off)) if off else 1.0
            after.append(replace(rate, seconds=rate.seconds.times(by)))
        programs[program] = after
    return replace(rates, programs=programs)


def _with_gpus(rated: Sequence[tuple[Timing, Rate]], rates: Rates) -> Rates:
    """A GPU's factor by what its parallel part took: T = T1 ((1 - f) / (n r) + f)."""
    serial = rates.serial.p50
    gpus = dict(rates.gpus)
    for model in {one.machine.gpu for one, _ in rated}:
        found = []
        for one, rate in rated:
            if one.machine.gpu == model:
                alone = rate.seconds.p50 * rate.units(one.work)
                rest = max(one.seconds / alone - (serial if rate.serial else 0), 1e-3)
                share = 1 - serial if rate.serial else 1.0
                speed = share / (one.machine.gpus * rest)
                found.append(log(speed * rates.gpus[rate.gpu].p50))
        gpus[model] = rates.gpus[model].times(exp(fmean(found)) / rates.gpus[model].p50)
    return replace(rates, gpus=gpus)
