"""What a store held, day by day, and what that has cost."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.charge import What
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.holding import Holding, kept_charges
from cryoem_cloud.model.storage_prices import GB

NOVEMBER = date(2026, 11, 1)
PRICES = {"STANDARD": Decimal("0.03"), "DEEP_ARCHIVE": Decimal("0.003")}


def held(day: int, gb: int, word: str = "STANDARD") -> Holding:
    sizes = {word: gb * GB}
    at = NOVEMBER + timedelta(days=day - 1)
    return Holding(day=at, sizes=sizes, usd_gb_month=PRICES, source="a list")


HOLDINGS = st.builds(
    held, st.integers(1, 90), st.integers(0, 100), st.sampled_from([*PRICES, "GLACIER"])
)


@given(HOLDINGS, HOLDINGS, HOLDINGS)
def test_the_order_of_records_does_not_matter(a: Holding, b: Holding, c: Holding) -> None:
    assert len({tuple(kept_charges(order, "p")) for order in permutations((a, b, c))}) == 1


@given(st.lists(HOLDINGS, max_size=6))
def test_a_record_that_comes_twice_counts_once(records: list[Holding]) -> None:
    assert list(kept_charges([*records, *records], "p")) == list(kept_charges(records, "p"))


@given(st.integers(1, 80), st.integers(1, 100), st.lists(st.integers(0, 100)))
def test_who_looks_oftener_finds_the_same(first: int, gb: int, others: list[int]) -> None:
    """While nothing changes, each look more or less between first and last is worth nothing."""
    last = first + 100
    ends = [held(first, gb), held(last, gb)]
    between = [held(first + day, gb) for day in others]
    assert total(ends) == pytest.approx(total([*ends, *between]))


def total(records: list[Holding]) -> Decimal:
    return sum((charge.usd or Decimal(0) for charge in kept_charges(records, "p")), Decimal(0))


def test_a_month_of_a_gb_costs_its_price_and_a_day_its_part() -> None:
    whole = [held(1, 2), held(31, 0)]  # until the first of December
    (charge,) = kept_charges(whole, "p")
    assert (charge.what, charge.job, charge.kind) == (What.STORE, 0, "STANDARD")
    assert (charge.gb_months, charge.usd) == (Decimal(2), Decimal("0.06"))
    (day,) = kept_charges([held(3, 30)], "p")
    assert (day.gb_months, day.usd) == (Decimal(1), Decimal("0.03"))


def test_what_was_seen_stays_until_somebody_looks_again_over_the_end_of_a_month() -> None:
    charges = kept_charges([held(16, 2), held(46, 0)], "p")  # 16 November to 16 December
    found = {charge.month: charge.gb_months for charge in charges}
    assert found == {"2026-11": 1, "2026-12": pytest.approx(Decimal(2) * 15 / 31)}


def test_a_class_without_a_price_is_listed() -> None:
    (charge,) = kept_charges([held(3, 30, "GLACIER")], "p")
    assert (charge.kind, charge.usd) == ("GLACIER", None)


@given(HOLDINGS)
def test_records_are_read_as_they_were_written(holding: Holding) -> None:
    assert Holding.from_bytes(holding.to_bytes()) == holding


@pytest.mark.parametrize(
    ("before", "after"), [(b"2026-11-03", b"2026-11-33"), (b'"STANDARD":3', b'"STANDARD":-3')]
)
def test_what_is_no_such_record_is_refused(before: bytes, after: bytes) -> None:
    with pytest.raises(FormatError):
        Holding.from_bytes(held(3, 3).to_bytes().replace(before, after))
