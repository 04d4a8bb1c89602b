"""EMPIAR-10061, from movies to maps, as it was run on Amazon's machines and on a workstation.

Hours, machines and sums are those of the slides that presented the original of this program in
2018: a table by step for each computer, and a summary. Prices are us-west-2's of 2017-11-12 (public
history of ec2instances.info). The workstation had 4 GPUs, 8 cores and 64 GB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.model.errors import UsageError

__all__ = ["PIPELINES", "Machines", "Pipeline", "Printed", "Rosetta", "Step", "pipeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """So many machines of a type, at so many US dollars for an hour of one of them."""

    count: int
    kind: str
    usd_h: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the pipeline; hours. `workstation_h` is None where the slides have none.

    `waits_are_paid` says that the machines were there while data moved.
    """

    name: str
    moving_h: Decimal
    running_h: Decimal
    machines: Machines
    workstation_h: Decimal | None
    waits_are_paid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rosetta:
    """Models that were refined, one a vCPU; on a workstation so many cores did it."""

    models: int
    machines: Machines
    vcpus: int
    cores: int
    printed_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What the summary prints, in US dollars, hours and days."""

    usd: Decimal
    usd_in_summary: Decimal
    workstation_h: Decimal
    workstation_usd: Decimal
    days: int
    workstation_days: int
    net_usd: Decimal
    structures: int
    structures_days: int
    structures_workstation_days: int
    structures_workstation_h: Decimal
    structures_net_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A published pipeline, with the assumptions of its comparison."""

    name: str
    title: str
    prices_of: str
    """The day."""
    steps: Sequence[Step]
    stored_gb: int
    stored_usd_gb_month: Decimal
    workstation_usd: Decimal
    workstation_years: int
    workstation_used: Decimal
    workstation_usd_h: Decimal
    salary_usd_year: Decimal
    working_days: int
    rosetta: Rosetta
    printed: Printed


_D = Decimal


def _machines(count: int, kind: str) -> Machines:
    return Machines(count=count, kind=kind, usd_h=_USD_H[kind])


_USD_H: Mapping[str, Decimal] = {
    "x1.32xlarge": _D("13.338"),
    "p2.8xlarge": _D("7.20"),
    "p2.16xlarge": _D("14.40"),
    "m4.4xlarge": _D("0.80"),
    "d2.8xlarge": _D("5.52"),
    "c4.8xlarge": _D("1.591"),
}


def _step(name: str, hours: str, machines: Machines, workstation: str = "") -> Step:
    moving, running = map(_D, hours.split(" + "))
    return Step(
        name=name,
        moving_h=moving,
        running_h=running,
        machines=machines,
        workstation_h=_D(workstation) if workstation else None,
        waits_are_paid=name != _ALIGNMENT,
    )


_ALIGNMENT = "Movie alignment"
"""Its upload went to the store before there were machines."""

_10061 = Pipeline(
    name="10061",
    title="EMPIAR-10061, β-galactosidase",
    prices_of="2017-11-12",
    steps=(
        _step(_ALIGNMENT, "11.06 + 2.20", _machines(5, "x1.32xlarge"), "34"),
        _step("Autopick", "1.10 + 0.20", _machines(1, "p2.8xlarge"), "2"),
        _step("CTF estimation", "0.55 + 0.11", _machines(1, "p2.8xlarge"), "0.4"),
        _step("Extract", "0.68 + 0.62", _machines(1, "m4.4xlarge")),
        _step("2D classification", "0.17 + 4.13", _machines(1, "p2.16xlarge"), "8"),
        _step("3D autorefine (1)", "0.08 + 5.30", _machines(1, "p2.8xlarge"), "5.3"),
        _step("Movie extract", "3.35 + 0.72", _machines(8, "d2.8xlarge"), "9.5"),
        _step("Movie refine", "0.75 + 4.10", _machines(1, "x1.32xlarge"), "17.5"),
        _step("Polish", "1.40 + 5.40", _machines(1, "x1.32xlarge"), "25"),
        _step("3D classification", "0.17 + 6.00", _machines(1, "p2.8xlarge"), "7"),
        _step("3D autorefine (2)", "0.10 + 6.30", _machines(1, "p2.8xlarge"), "6"),
    ),
    stored_gb=30_000,
    stored_usd_gb_month=_D("0.023"),
    workstation_usd=_D(10_000),
    workstation_years=3,
    workstation_used=_D("0.60"),
    workstation_usd_h=_D("0.63"),
    salary_usd_year=_D(50_000),
    working_days=260,
    rosetta=Rosetta(
        models=216,
        machines=_machines(6, "c4.8xlarge"),
        vcpus=36,
        cores=16,
        printed_usd=_D("43.60"),
    ),
    printed=Printed(
        usd=_D("688.15"),
        usd_in_summary=_D("688.17"),
        workstation_h=_D(115),
        workstation_usd=_D("72.45"),
        days=5,
        workstation_days=10,
        net_usd=_D("-345.83"),
        structures=3,
        structures_days=5,
        structures_workstation_days=30,
        structures_workstation_h=_D(345),
        structures_net_usd=_D("-1998.84"),
    ),
)

PIPELINES: Mapping[str, Pipeline] = {_10061.name: _10061}
"""By the EMPIAR number."""


def pipeline(name: str) -> Pipeline:
    """The pipeline of that name; `EMPIAR-` before it may be left out.

    Raises:
        UsageError: There is none.
    """
    found = PIPELINES.get(name.upper().removeprefix("EMPIAR-"))
    if found is None:
        known = ", ".join(PIPELINES)
        raise UsageError(f"there is no pipeline {name!r}", hint=f"known are: {known}")
    return found
