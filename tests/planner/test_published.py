"""The published comparison to the cent; where it does not follow from its columns, that is said."""

from decimal import Decimal

import pytest

from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.planner.published import compared, pipeline, replayed

PRINTED = {
    "Movie alignment": ("13.26", "146.72"),
    "Autopick": ("1.30", "9.36"),
    "CTF estimation": ("0.66", "4.75"),
    "Extract": ("1.30", "1.04"),
    "2D classification": ("4.30", "61.92"),
    "3D autorefine (1)": ("5.38", "38.74"),
    "Movie extract": ("4.07", "179.73"),
    "Movie refine": ("4.85", "64.69"),
    "Polish": ("6.80", "90.70"),
    "3D classification": ("6.17", "44.42"),
    "3D autorefine (2)": ("6.40", "46.08"),
}
"""Hours and US dollars of each step, as the slides print them."""


def test_each_step_is_what_was_printed_to_the_cent() -> None:
    found = {
        each.step.name: (str(each.total_h), str(each.usd))
        for each in replayed(pipeline("10061")).steps
    }
    assert found == PRINTED


def test_the_sums_are_what_was_printed() -> None:
    replay = replayed(pipeline("EMPIAR-10061"))
    assert (replay.total_h, replay.moving_h, replay.running_h) == (
        Decimal("54.49"),
        Decimal("19.41"),
        Decimal("35.08"),
    )
    assert (replay.usd, replay.storage_usd) == (Decimal("688.15"), Decimal("690.00"))
    assert replay.workstation_h == Decimal("114.7")
    assert replay.waiting_usd == Decimal("194.00")


def test_only_the_rule_that_was_used_gives_the_printed_cost_of_the_alignment() -> None:
    (alignment,) = [each for each in pipeline("10061").steps if not each.waits_are_paid]
    usd_h = alignment.machines.count * alignment.machines.usd_h
    paid = (alignment.moving_h + alignment.running_h) * usd_h
    assert round(paid, 2) == Decimal("884.31") != Decimal("146.72")


def test_the_comparison_is_what_was_printed() -> None:
    found = compared(pipeline("10061"))
    assert round(found.workstation_usd_h, 4) == Decimal("0.6342")
    assert found.day_usd == Decimal("192.31")
    assert found.workstation_usd == Decimal("72.45")
    assert found.net_usd == Decimal("-345.83")
    assert found.all_usd == Decimal("1378.15")
    assert found.net_with_storage_usd == Decimal("344.15")
    assert found.structures_usd == Decimal("2064.51")
    assert found.structures_workstation_usd == Decimal("217.35")
    assert found.rosetta_usd == Decimal("43.60")
    assert round(found.rosetta_h, 2) == Decimal("4.57")
    assert found.rosetta_times == Decimal("13.5")


def test_the_printed_net_of_three_structures_does_not_follow_from_its_columns() -> None:
    found = compared(pipeline("10061"))
    assert found.structures_net_usd == Decimal("-2960.59")
    assert found.structures_printed_usd == Decimal("-1998.84")
    assert round(found.structures_printed_days, 2) == Decimal(-20)


def test_a_pipeline_that_is_not_known_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="'10028'") as caught:
        pipeline("10028")
    assert "10061" in caught.value.hint
