"""How long a machine takes for a job's work, as a range.

`performance.json` has the figures: the seconds that a unit of each program's work takes on a
reference, and how many times as fast other GPUs and cores are, each with its range and its source.
docs/explanation/performance-model.md explains them, docs/evidence/model.md says how good they are.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from math import prod

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.record import JSON, text
from cryoem_cloud.model.spread import Spread, combined
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.posterior import posterior

__all__ = ["Rate", "Rates", "published", "rate_of", "run_s", "why_unknown"]

_VERSION = 1
_GPUS, _VECTORS, _FIXED = "gpus", "vectors", "fixed"

_WITH_AVX512 = ("Intel", "AMD Genoa", "AMD Turin")
_WITHOUT_AVX512 = ("Intel Haswell", "Intel Broadwell")
"""How the catalogue's names of processors begin: Intel's since 2017 have it, AMD's since 2022."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a unit of a program's work takes: `seconds` of one core, one `gpu`, or however many.

    The units are the product of the numbers of a work that `per` names, times its box in pixels to
    the power `box_exponent`. `on` is "gpus", "cores", "vectors" (cores, with code made for their
    vector units) or "fixed" (no machine is faster). Where it is `serial`, a part of it is not
    shortened by more GPUs.
    """

    on: str
    seconds: Spread
    per: tuple[str, ...]
    box_exponent: float = 0.0
    gpu: str = ""
    serial: bool = False

    def units(self, work: Work) -> float:
        """How many a work has; 0 where one of its numbers is not known."""
        of_box = float(work.box_px**self.box_exponent) if self.box_exponent else 1.0
        return of_box * prod(float(getattr(work, name)) for name in self.per)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """All figures. `gpus` are by model, one die of a K80 being 1, `programs` what each may run on.

    `serial` is the part of the time on one GPU that more do not shorten, `host` how fast machines
    are at it, `core` how fast one core is, each with 1 for what was measured. Code for vector units
    takes `without_avx512` times as long on processors that lack these. `learnt` has what finished
    jobs took, as multiples of what these figures say, by program, what it ran on and machine type.
    """

    day: str
    gpus: Mapping[str, Spread]
    serial: Spread
    host: Spread
    core: Spread
    without_avx512: Spread
    programs: Mapping[Program, Sequence[Rate]]
    learnt: Mapping[tuple[str, str, str], Sequence[float]] = field(default_factory=dict)

    def learnt_of(self, work: Work, kind: MachineType) -> Sequence[float]:
        """What finished jobs took that did such a work on such a machine."""
        rate = rate_of(work, self) if self.learnt else None
        return self.learnt.get((work.program.value, rate.on, kind.name), ()) if rate else ()

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> "Rates":
        """From a table such as performance.json.

        Raises:
            FormatError: It is none, or of a version that we do not know.
        """
        if fields.get("v") != _VERSION:
            raise FormatError(f"a table of rates of version {fields.get('v')!r}")
        return cls(
            day=text(fields, "day"),
            gpus={name: Spread.from_json(row) for name, row in fields["gpus"].items()},
            serial=Spread.from_json(fields["serial"]),
            host=Spread.from_json(fields["host"]),
            core=Spread.from_json(fields["core"]),
            without_avx512=Spread.from_json(fields["without_avx512"]),
            programs={
                Program(name): [_rate(row) for row in rows]
                for name, rows in fields["programs"].items()
            },
        )


@cache
def published() -> Rates:
    """Those of the package."""
    file = resources.files("cryoem_cloud.planner") / "performance.json"
    return Rates.from_json(json.loads(file.read_text(encoding="utf-8")))


def run_s(work: Work, kind: MachineType, rates: Rates, *, machines: int = 1) -> Spread:
    """Seconds that so many machines take for the work, without boot and transfer.

    Several share it evenly, which only works in pieces can be. What finished jobs have taught of
    that program and machine type is in it.

    Raises:
        ValueError: Nothing is known of it; `why_unknown` says why.
    """
    rate = rate_of(work, rates)
    if rate is None or why_unknown(work, kind, rates):
        raise ValueError(f"the time of {work.program.value} on {kind.name} is not known")
    found = _by_figures(work, kind, rates, rate, machines=machines)
    return posterior(found, rates.learnt_of(work, kind))


def _by_figures(
    work: Work, kind: MachineType, rates: Rates, rate: Rate, *, machines: int
) -> Spread:
    """The same by the table alone."""
    alone = rate.seconds.times(rate.units(work))
    if rate.on == _FIXED:
        return alone
    if rate.on == _GPUS:
        busy = replace(kind, gpus=_used(kind.gpus, work))
        return _on_gpus(alone, rate, busy, rates).times(1 / machines)
    cores = _used(kind.cores, work) * machines
    if rate.on == _VECTORS and not _has_avx512(kind):
        slower = rates.without_avx512
        return combined(lambda s, core, by: s * by / (core * cores), alone, rates.core, slower)
    return combined(lambda seconds, core: seconds / (core * cores), alone, rates.core)


def why_unknown(work: Work, kind: MachineType, rates: Rates) -> str:
    """Why nothing is known of such a work on such a machine, in words; "" where something is."""
    rate = rate_of(work, rates)
    if rate is None and work.program is Program.OTHER:
        return "no times are known of what it runs"
    if rate is None:
        where = " on GPUs" if work.on_gpus and work.program in rates.programs else ""
        return f"no times are known of {work.program.value}{where}"
    if rate.units(work) <= 0:
        lacking = [name for name in rate.per if not getattr(work, name)]
        box = ["box_px"] if rate.box_exponent and not work.box_px else []
        return f"the job does not tell its {' and '.join([*lacking, *box])}"
    if rate.on != _GPUS:
        return ""
    if not kind.gpus:
        return "its command uses GPUs, and the machine has none"
    return "" if kind.gpu in rates.gpus else f"how fast a {kind.gpu} is at it is not known"


def rate_of(work: Work, rates: Rates) -> Rate | None:
    """The rate that holds for a work as its command asks for it; None: there is none."""
    found = {rate.on: rate for rate in rates.programs.get(work.program, ())}
    if _FIXED in found:
        return found[_FIXED]
    if work.on_gpus:
        return found.get(_GPUS)
    return found.get(_VECTORS if work.on_vectors and _VECTORS in found else "cores")


def _has_avx512(kind: MachineType) -> bool:
    name = kind.processor
    return name.startswith(_WITH_AVX512) and not name.startswith(_WITHOUT_AVX512)


def _used(has: int, work: Work) -> int:
    """Of a machine's GPUs or cores, those that the command's threads can keep busy."""
    return min(has, work.threads) if work.threads else has


def _on_gpus(alone: Spread, rate: Rate, kind: MachineType, rates: Rates) -> Spread:
    """By Amdahl: T = T1 ((1 - f) / (n r) + f / c), r being the GPU's speed, c the host's."""
    speed = Spread.exactly(1.0)
    if kind.gpu != rate.gpu:
        speed = combined(lambda one, unit: one / unit, rates.gpus[kind.gpu], rates.gpus[rate.gpu])
    if not rate.serial:
        return combined(lambda seconds, r: seconds / (kind.gpus * r), alone, speed)
    return combined(
        lambda seconds, r, f, c: seconds * ((1 - f) / (kind.gpus * r) + f / c),
        *(alone, speed, rates.serial, rates.host),
    )


def _rate(row: Mapping[str, JSON]) -> Rate:
    return Rate(
        on=text(row, "on"),
        seconds=Spread.from_json(row["seconds"]),
        per=tuple(row["per"]),
        box_exponent=float(row["box_exponent"]),
        gpu=text(row, "gpu", ""),
        serial=bool(row.get("serial")),
    )
