"""Machines that are rented against a workstation, as the original reckoned it.

A structure costs its machines, the workstation's hours, and the days of a person who waits for it.
"""

from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.model.usd import cents
from cryoem_cloud.planner.published.pipeline import Pipeline
from cryoem_cloud.planner.published.replay import replayed

__all__ = ["Comparison", "compared"]

_HOURS_A_YEAR = 8760


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """US dollars; a negative net means that the rented machines are the cheaper way.

    `net_usd` is with the summary's own figure for the machines, and so is `structures_net_usd`,
    which follows from the days of the summary's columns. `structures_printed_usd` is what it
    prints, and `structures_printed_days` the difference in days from which that would follow.
    """

    workstation_usd_h: Decimal
    """By its price, years and use; the slides round it."""
    day_usd: Decimal
    workstation_usd: Decimal
    net_usd: Decimal
    net_with_storage_usd: Decimal
    all_usd: Decimal
    """Machines and a month of storage."""
    structures_usd: Decimal
    structures_workstation_usd: Decimal
    structures_net_usd: Decimal
    structures_printed_usd: Decimal
    structures_printed_days: Decimal
    rosetta_usd: Decimal
    rosetta_h: Decimal
    """What its price means for so many machines."""
    rosetta_times: Decimal
    """Models at a time, by the workstation's."""


def compared(pipeline: Pipeline) -> Comparison:
    """The comparison of the published figures, recomputed."""
    printed, replay, rosetta = pipeline.printed, replayed(pipeline), pipeline.rosetta
    years_h = pipeline.workstation_years * _HOURS_A_YEAR * pipeline.workstation_used
    day = cents(pipeline.salary_usd_year / pipeline.working_days)
    workstation = cents(printed.workstation_h * pipeline.workstation_usd_h)
    days = printed.days - printed.workstation_days
    several = printed.structures * printed.usd_in_summary
    several_workstation = cents(printed.structures_workstation_h * pipeline.workstation_usd_h)
    several_days = printed.structures_days - printed.structures_workstation_days
    without_people = several - several_workstation
    hour = rosetta.machines.count * rosetta.machines.usd_h
    return Comparison(
        workstation_usd_h=pipeline.workstation_usd / years_h,
        day_usd=day,
        workstation_usd=workstation,
        net_usd=printed.usd_in_summary - workstation + days * day,
        net_with_storage_usd=replay.usd + replay.storage_usd - workstation + days * day,
        all_usd=replay.usd + replay.storage_usd,
        structures_usd=several,
        structures_workstation_usd=several_workstation,
        structures_net_usd=without_people + several_days * day,
        structures_printed_usd=printed.structures_net_usd,
        structures_printed_days=(printed.structures_net_usd - without_people) / day,
        rosetta_usd=rosetta.printed_usd,
        rosetta_h=rosetta.printed_usd / hour,
        rosetta_times=Decimal(rosetta.models) / rosetta.cores,
    )
