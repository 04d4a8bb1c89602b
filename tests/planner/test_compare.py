"""Rented machines or a workstation: the published comparison's own figures, and laws."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.usd import cents
from cryoem_cloud.planner.compare import (
    PUBLISHED_AWS,
    PUBLISHED_WORKSTATION,
    Comparison,
    Way,
    Workstation,
)

PUBLISHED = Comparison(aws=PUBLISHED_AWS, workstation=PUBLISHED_WORKSTATION)
amounts = st.decimals(min_value=1, max_value=10_000, places=2)


def test_an_hour_of_the_published_workstation() -> None:
    bought = Workstation(usd=Decimal(10_000))
    assert bought.hours == Decimal(15768)
    assert round(bought.usd_per_hour, 3) == Decimal("0.634")


def test_the_published_ways() -> None:
    assert (PUBLISHED_AWS.hours, PUBLISHED_AWS.usd) == (Decimal("54.49"), Decimal("688.17"))
    assert PUBLISHED_WORKSTATION.hours == Decimal("114.7")
    assert PUBLISHED_AWS.storage_usd == 690


def test_a_day_of_a_person() -> None:
    assert PUBLISHED.usd_per_day == Decimal("192.31")


def test_the_published_net_without_storage_and_with_it() -> None:
    assert cents(PUBLISHED.net_usd(storage=False)) == Decimal("-345.83")
    assert cents(PUBLISHED.net_usd(storage=True)) == Decimal("344.17")


def test_three_structures_cost_three_times_as_much() -> None:
    three = replace(PUBLISHED, structures=3)
    assert three.net_usd(storage=True) == 3 * PUBLISHED.net_usd(storage=True)


@given(price=amounts, rented=st.decimals(min_value="0.01", max_value=100, places=2))
def test_at_the_break_even_both_cost_the_same(price: Decimal, rented: Decimal) -> None:
    share = Workstation(usd=price).breaks_even_at(rented)
    assert abs(Workstation(usd=price, utilisation=share).usd_per_hour - rented) < Decimal("1e-9")


@given(usd=amounts, days=amounts, salary=amounts, structures=st.integers(1, 9))
def test_the_same_way_twice_differs_by_nothing(
    usd: Decimal, days: Decimal, salary: Decimal, structures: int
) -> None:
    way = Way(hours=Decimal(1), usd=usd, days=days)
    both = Comparison(aws=way, workstation=way, salary_usd=salary, structures=structures)
    assert both.net_usd(storage=True) == 0
    stored = replace(both, aws=replace(way, storage_usd=usd))
    assert stored.net_usd(storage=True) == usd * structures
    assert stored.net_usd(storage=False) == 0
