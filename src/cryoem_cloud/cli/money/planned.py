"""How a plan looks: lines as wide as the terminal and a table, or JSON, or a picture."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import ceil
from pathlib import Path

from cryoem_cloud.cli.money.offering import asked_json
from cryoem_cloud.cli.money.planning import Planned
from cryoem_cloud.cli.showing import table, wrapped
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.plan import Excluded, Option, Plan, UsdRange
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.units import counted, human_size, roughly, visible
from cryoem_cloud.model.usd import about, dollars
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.learning import said_of
from cryoem_cloud.planner.performance import published
from cryoem_cloud.planner.static import offers_for
from cryoem_cloud.ports.provider import LIMIT_S

__all__ = ["draw", "plan_as_json", "plan_lines"]

_INDENT = 10
_HOUR_S = 3600
_MOST_HOURS = 168
"""That a user may give a job's machines."""
_NAMED = 3
"""Machine types that are named where more are left out for the same reason."""
_ITEMS = {
    Program.MOTION: "movies",
    Program.CTF: "micrographs",
    Program.PICK: "micrographs",
    Program.EXTRACT: "micrographs",
}


def plan_lines(found: Planned) -> Iterator[str]:
    """For people."""
    for line in _said(found):
        yield line if "\n" in line else wrapped(line, _INDENT)


def _said(found: Planned) -> Iterator[str]:
    plan, work, moved = found.plan, found.work, found.transfer
    yield f"job       {visible(found.job.name)}: {work.program.value}"
    if words := _numbers(work):
        yield f"work      {words}"
    up_h = moved.up_bytes / moved.line_bytes_s / 3600
    yield (
        f"moving    {human_size(moved.up_bytes)} to send ({up_h:.1f} h), "
        f"{human_size(moved.down_bytes)} home; line {found.line}"
    )
    if found.absent:
        absent = counted(found.absent, "of its first inputs is", "of its first inputs are")
        yield f"missing   {absent} not in this folder; the store has them, or nobody"
    yield f"prices    {found.prices.told}"
    for there in found.footing:
        yield f"quotas    {there.region}, as AWS told them at {there.asked:%Y-%m-%d %H:%M} UTC"
    if plan.choice is None and not plan.front:
        yield from _unknown(found)
        return
    yield f"plan      {plan.reason}"
    yield from _learnt(found)
    yield ""
    yield _table(plan)
    yield ""
    for excluded in plan.excluded:
        yield f"left out  {_left_out(excluded)}"
    if plan.store_usd_month:
        yield f"storage   {about(plan.store_usd_month)} a month for the job's files in the store"
    yield from _hints(found)


def _learnt(found: Planned) -> Iterator[str]:
    """Which times are those of finished jobs."""
    behind = {
        kind.name: jobs
        for kind in (option.listing.kind for option in _shown(found.plan))
        if (jobs := found.jobs_behind(kind))
    }
    for name, jobs in behind.items():
        yield f"learnt    {said_of(jobs, name)}"
    if found.here_s is not None:
        low, high = (roughly(seconds) for seconds in (found.here_s.p10, found.here_s.p90))
        yield f"here      this computer takes {low} to {high}, as its finished jobs tell"


def plan_as_json(found: Planned) -> dict[str, JSON]:
    """For programs: hours as numbers, US dollars as texts, so that none is rounded on its way."""
    work, plan, moved = found.work, found.plan, found.transfer
    return {
        "job": found.job.name,
        "snapshot": found.prices.day,
        "asked": asked_json(found.prices),
        "rates": published().day,
        "quotas": {each.region: f"{each.asked:%Y-%m-%dT%H:%M:%SZ}" for each in found.footing},
        "work": {
            "program": work.program.value,
            "items": work.items,
            "pixels": work.pixels,
            "frames": work.frames,
            "box_px": work.box_px,
            "classes": work.classes,
            "iterations": work.iterations,
            "symmetry": work.symmetry,
            "on_gpus": work.on_gpus,
            "input_bytes": work.input_bytes,
            "output_bytes": work.output_bytes,
        },
        "up_bytes": moved.up_bytes,
        "down_bytes": moved.down_bytes,
        "absent_inputs": found.absent,
        "line_bytes_s": moved.line_bytes_s,
        "line_down_bytes_s": moved.down_bytes_s,
        "line": found.line,
        "choice": _fields(plan.choice, found) if plan.choice else None,
        "reason": plan.reason,
        "front": [_fields(option, found) for option in plan.front],
        "excluded": [{"machine_types": list(e.kinds), "why": e.why} for e in plan.excluded],
        "store_usd_month": str(plan.store_usd_month),
        "here_s": _range(found.here_s) if found.here_s else None,
    }


def draw(found: Planned, path: Path) -> None:
    """The front as a PNG: hours and US dollars, with their ranges.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415  (large, and only for this)
    except ImportError as error:
        raise UsageError(
            "--png needs matplotlib", hint="pip install 'cryoem-cloud-tools[plots]'"
        ) from error
    mpl.use("agg")
    from matplotlib.figure import Figure  # noqa: PLC0415  (as above)
    from matplotlib.ticker import LogLocator, NullFormatter  # noqa: PLC0415  (as above)

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for option in _shown(found.plan):
        hours, usd = option.total_h, option.usd
        chosen = option == found.plan.choice
        axes.errorbar(
            hours.p50,
            float(usd.p50),
            xerr=[[hours.p50 - hours.p10], [hours.p90 - hours.p50]],
            yerr=[[float(usd.p50 - usd.p10)], [float(usd.p90 - usd.p50)]],
            fmt="o",
            color="C3" if chosen else "C0",
            label=option.name if chosen else None,
        )
        place = (hours.p50, float(usd.p50))
        axes.annotate(option.name, place, (4, 4), textcoords="offset points", fontsize=7)
    axes.set(xlabel="hours until results are home", ylabel="US dollars", xscale="log", yscale="log")
    axes.set(title=visible(found.job.name))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    if found.plan.choice is not None:
        axes.legend()
    figure.savefig(path, dpi=150, format="png")


def _numbers(work: Work) -> str:
    """What the job computes, in the field's words; "" of what nobody knows."""
    if not work.items:
        return ""
    noun = _ITEMS.get(work.program, "particles")
    said = [f"{work.items:,} {noun}"]
    if work.pixels:
        frames = f"{work.frames} frames of " if work.program is Program.MOTION else ""
        said.append(f"{frames}{work.pixels / 1e6:.1f} million pixels")
    if work.box_px and noun == "particles":
        said[0] += f" of {work.box_px} pixels"
    if work.classes > 1:
        said.append(f"{work.classes} classes")
    if work.iterations > 1:
        said.append(f"{work.iterations:.3g} iterations")
    return ", ".join([*said, "on GPUs"] if work.on_gpus else said)


def _unknown(found: Planned) -> Iterator[str]:
    """What is said where no plan can be made: what such a job gets, and its price by the hour."""
    for excluded in found.plan.excluded:
        yield f"left out  {_left_out(excluded)}"
    yield f"plan      {found.plan.reason}"
    if found.work.program is not Program.OTHER:
        return
    for offer in offers_for(found.job.script, found.job.wish):
        for kind in offer.kinds[:1]:
            listings = (x for x in found.prices.listings if x.kind.name == kind)
            prices = [p for x in listings if (p := x.price.of(offer.market or Market.ON_DEMAND))]
            market = (offer.market or Market.ON_DEMAND).value
            if prices:
                yield f"          as a job it gets {kind}, {market}: {dollars(min(prices))} an hour"


def _table(plan: Plan) -> str:
    head = ("", "MACHINES", "MARKET", "REGION", "HOURS", "P10-P90", "USD", "P10-P90")
    return table(head, (_row(option, plan.choice) for option in _shown(plan)))


def _shown(plan: Plan) -> list[Option]:
    """The front, the fastest first, and the choice.

    Of what takes as long, as hours are told, only the cheapest is shown beside the choice, and
    nothing that differs from the choice in neither hours nor US dollars.
    """
    choice = plan.choice
    cheapest = {_time(option): option for option in plan.front}  # the cheaper ones come later
    if choice is None:
        return list(cheapest.values())
    others = (o for o in cheapest.values() if (_time(o), _usd(o)) != (_time(choice), _usd(choice)))
    return sorted([*others, choice], key=lambda option: option.total_h.p50)


def _row(option: Option, choice: Option | None) -> list[str]:
    return [
        "*" if option == choice else "",
        f"{option.machines} x {option.listing.kind.name}",
        option.market.value,
        option.listing.region,
        *_time(option),
        *_usd(option),
    ]


def _time(option: Option) -> tuple[str, str]:
    hours = option.total_h
    return _hours(hours.p50), f"{_hours(hours.p10)}-{_hours(hours.p90)}"


def _usd(option: Option) -> tuple[str, str]:
    """In columns of US dollars."""
    usd = option.usd
    p50, p10, p90 = (about(each).replace("$", "") for each in (usd.p50, usd.p10, usd.p90))
    return p50, f"{p10}-{p90}"


def _hours(hours: float) -> str:
    """Tenths; of less than an hour hundredths, as minutes would be `0.0` or `0.1`."""
    return f"{hours:.1f}" if hours >= 1 else f"{hours:.2f}"


def _left_out(excluded: Excluded) -> str:
    names = ", ".join(excluded.kinds[:_NAMED])
    more = " and others" if len(excluded.kinds) > _NAMED else ""
    return f"{counted(len(excluded.kinds), 'type')} ({names}{more}): {excluded.why}"


def _hints(found: Planned) -> Iterator[str]:
    choice = found.plan.choice
    if choice is None:
        return
    other = found.on_processors.choice if found.on_processors else None
    if other is not None and other.usd.p50 < choice.usd.p50:
        yield (
            f"hint      with --cpu instead of --gpu, and a RELION that is built for AVX-512, "
            f"{other.name} takes {_hours(other.total_h.p50)} h and {about(other.usd.p50)}"
        )
    lines = {"where": "aws", "machine": choice.listing.kind.name, "market": choice.market.value}
    if choice.machines > 1:
        lines["count"] = str(choice.machines)
    hours = ceil(choice.life_h.p90)
    if hours * _HOUR_S > (found.job.wish.hours * _HOUR_S or LIMIT_S):  # they would be ended before
        lines["hours"] = str(min(hours, _MOST_HOURS))
    said = "; ".join(f"#CRYOEM {key}={value}" for key, value in lines.items())
    yield f"so        {said} (a line each in the script)"


def _fields(option: Option, found: Planned) -> dict[str, JSON]:
    kind = option.listing.kind
    return {
        "machine_type": kind.name,
        "machines": option.machines,
        "market": option.market.value,
        "region": option.listing.region,
        "gpu": kind.gpu,
        "gpus": kind.gpus,
        "disk_gib": option.disk_gib,
        "hours": _range(option.total_h),
        "running_h": _range(option.running_h),
        "paid_h": _range(option.paid_h),
        "usd": _range(option.usd),
        "machines_usd": str(option.machines_usd),
        "disk_usd": str(option.disk_usd),
        "egress_usd": str(option.egress_usd),
        "interruptions": option.interruptions,
        "learnt_from_jobs": found.jobs_behind(kind),
    }


def _range(found: Spread | UsdRange) -> Mapping[str, JSON]:
    said = {"p10": found.p10, "p50": found.p50, "p90": found.p90}
    return {key: str(v) if isinstance(v, Decimal) else v for key, v in said.items()}
