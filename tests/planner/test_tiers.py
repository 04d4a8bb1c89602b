"""What classes cost, at the catalogue's prices of us-east-1."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.model.usd import cents
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.planner.tiers import LEAST_BYTES, archiving, month_usd, restoring

PRICES = tables.storage_prices("us-east-1")
GIB, TIB = 2**30, 2**40
STANDARD, DEEP = StorageClass.STANDARD, StorageClass.DEEP


def test_a_terabyte_in_the_archive() -> None:
    found = archiving(PRICES, [(STANDARD, GIB)] * 1024, DEEP)
    assert cents(found.before_usd) == Decimal("23.55")
    assert cents(found.after_usd) == Decimal("1.01")
    assert cents(found.requests_usd) == Decimal("0.05")
    assert found.least_days == 180
    assert cents(found.least_usd) == Decimal("6.08")


def test_what_s3_adds_to_each_object_is_counted() -> None:
    one = month_usd(PRICES, DEEP, [GIB])
    many = month_usd(PRICES, DEEP, [GIB // 1024] * 1024)
    assert many - one == 1023 * (
        PRICES.month_usd(32 * 2**10, DEEP) + PRICES.month_usd(8 * 2**10, STANDARD)
    )


def test_small_objects_count_as_128_kib_where_they_do() -> None:
    assert month_usd(PRICES, StorageClass.INSTANT, [1]) == month_usd(
        PRICES, StorageClass.INSTANT, [LEAST_BYTES]
    )


def test_what_is_copied_in_parts_takes_more_requests() -> None:
    usd = PRICES.classes[DEEP].writes_1000 / 1000
    assert archiving(PRICES, [(STANDARD, 5 * GIB)], DEEP).requests_usd == usd
    assert archiving(PRICES, [(STANDARD, 5 * GIB + 1)], DEEP).requests_usd == 8 * usd


def test_restoring_a_terabyte() -> None:
    """0.02 a GB and its copy for 30 days at 0.023; in bulk 0.0025."""
    quick = restoring(PRICES, [TIB], days=30, bulk=False)
    assert cents(quick.usd) == Decimal("44.03")
    assert quick.hours == 12
    slow = restoring(PRICES, [TIB], days=30, bulk=True)
    assert cents(slow.usd) == Decimal("26.11")
    assert slow.hours == 48


@given(st.lists(st.integers(0, 10 * GIB)), st.integers(1, 90))
def test_restoring_costs_the_sum_of_its_objects(sizes: list[int], days: int) -> None:
    parts = [restoring(PRICES, [size], days=days, bulk=True).usd for size in sizes]
    whole = restoring(PRICES, sizes, days=days, bulk=True).usd
    assert abs(whole - sum(parts, Decimal(0))) < Decimal("1e-12")
