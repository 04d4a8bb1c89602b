"""`cryoem plan --pipeline … --as-published`: what the original published, by its rules."""

from collections.abc import Mapping
from decimal import Decimal

from cryoem_cloud.cli.showing import table, wrapped
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.usd import cents, dollars
from cryoem_cloud.planner.published import Pipeline, Replay, ReplayedStep, compared, replayed

__all__ = ["conclusions", "published_json", "published_text", "step_rows"]


def published_json(pipeline: Pipeline) -> Mapping[str, JSON]:
    """For programs: hours, and US dollars to the cent, as numbers."""
    replay, found = replayed(pipeline), compared(pipeline)
    return {
        "pipeline": pipeline.name,
        "prices_of": pipeline.prices_of,
        **_sums(replay),
        "all_usd": _number(found.all_usd),
        "workstation_h": float(replay.workstation_h),
        "workstation_usd": _number(found.workstation_usd),
        "net_usd": _number(found.net_usd),
        "net_with_storage_usd": _number(found.net_with_storage_usd),
        "structures_net_usd": _number(found.structures_net_usd),
        "structures_printed_usd": _number(found.structures_printed_usd),
        "rosetta_usd": _number(found.rosetta_usd),
        "rosetta_times": float(found.rosetta_times),
        "steps": [_step(each) for each in replay.steps],
    }


def _sums(replay: Replay) -> Mapping[str, JSON]:
    return {
        "total_h": float(replay.total_h),
        "moving_h": float(replay.moving_h),
        "running_h": float(replay.running_h),
        "usd": _number(replay.usd),
        "waiting_usd": _number(replay.waiting_usd),
        "storage_usd": _number(replay.storage_usd),
    }


def _step(each: ReplayedStep) -> Mapping[str, JSON]:
    step, machines = each.step, each.step.machines
    return {
        "name": step.name,
        "machine": machines.kind,
        "count": machines.count,
        "usd_h": float(machines.usd_h),
        "total_h": float(each.total_h),
        "moving_h": float(step.moving_h),
        "running_h": float(step.running_h),
        "paid_h": float(each.paid_h),
        "usd": _number(each.usd),
        "workstation_h": None if step.workstation_h is None else float(step.workstation_h),
    }


def _number(amount: Decimal) -> float:
    return float(cents(amount))


def published_text(pipeline: Pipeline) -> str:
    """For people: a row a step, the sums, and the comparison with a workstation."""
    head, *rows = step_rows(pipeline)
    title = f"{pipeline.title}: as published, prices of {pipeline.prices_of}"
    names = [name.upper() for name in head]
    return "\n".join([title, "", table(names, rows), "", *map(wrapped, conclusions(pipeline))])


def step_rows(pipeline: Pipeline) -> list[tuple[str, ...]]:
    """The heads of a table, a row a step, and the sums."""
    replay = replayed(pipeline)
    head = ("Step", "Machines", "Moving, h", "Running, h", "Total, h", "USD", "Workstation, h")
    hours = [f"{each:.2f}" for each in (replay.moving_h, replay.running_h, replay.total_h)]
    sums = ("All", "", *hours, f"{replay.usd:.2f}", f"{replay.workstation_h:.1f}")
    return [head, *map(_row, replay.steps), sums]


def _row(each: ReplayedStep) -> tuple[str, ...]:
    step, machines = each.step, each.step.machines
    there = "-" if step.workstation_h is None else f"{step.workstation_h}"
    hours = [f"{hours:.2f}" for hours in (step.moving_h, step.running_h, each.total_h)]
    return (step.name, f"{machines.count} x {machines.kind}", *hours, f"{each.usd:.2f}", there)


def conclusions(pipeline: Pipeline) -> list[str]:
    """What follows from the steps: a sentence each."""
    return [_paid(pipeline), _workstation(pipeline), *_nets(pipeline), _rosetta(pipeline)]


def _paid(pipeline: Pipeline) -> str:
    replay, found = replayed(pipeline), compared(pipeline)
    stored = f"{pipeline.stored_gb:,} GB at ${pipeline.stored_usd_gb_month} a GB and month"
    return (
        f"Machines {dollars(replay.usd)}, {dollars(replay.waiting_usd)} of it for machines that "
        f"waited for data; {stored}: {dollars(replay.storage_usd)}; "
        f"together {dollars(found.all_usd)}."
    )


def _workstation(pipeline: Pipeline) -> str:
    found, printed = compared(pipeline), pipeline.printed
    use = f"{pipeline.workstation_years} years at {pipeline.workstation_used:.0%}"
    return (
        f"A workstation of {dollars(pipeline.workstation_usd)} is ${found.workstation_usd_h:.4f} "
        f"an hour over {use}: {dollars(found.workstation_usd)}, and "
        f"{printed.workstation_days} days against {printed.days} of a person "
        f"at {dollars(found.day_usd)} a day."
    )


def _nets(pipeline: Pipeline) -> tuple[str, str]:
    found, printed = compared(pipeline), pipeline.printed
    days = printed.structures_workstation_days - printed.structures_days
    one = (
        f"Net of one structure {dollars(found.net_usd)}, which leaves storage out; with it "
        f"{dollars(found.net_with_storage_usd)}."
    )
    several = (
        f"Net of {printed.structures} structures {dollars(found.structures_net_usd)} by the "
        f"summary's own columns, {days} days apart; it prints "
        f"{dollars(found.structures_printed_usd)}, which is a difference of "
        f"{abs(found.structures_printed_days):.0f} days."
    )
    return one, several


def _rosetta(pipeline: Pipeline) -> str:
    found, rosetta = compared(pipeline), pipeline.rosetta
    return (
        f"Rosetta: {rosetta.models} models for {dollars(found.rosetta_usd)}, "
        f"{found.rosetta_times} times as fast as {rosetta.cores} cores."
    )
