"""What askers count, put together: laws, records, and what it costs."""

from dataclasses import replace
from decimal import Decimal
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.charge import What
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.storage_prices import GB
from cryoem_cloud.model.usage import Asking, Tariff, Usage, asked_together
from cryoem_cloud.planner.catalog.tables import store_prices

TARIFF = Tariff.of(store_prices("aws", "us-east-1"))
ASKED = st.builds(Asking, *(st.integers(0, 10**6) for _ in range(4)))
TARIFFS = st.builds(Tariff, writes_1000=st.decimals("0", "1", places=4), source=st.text())
USAGES = st.builds(
    Usage,
    asker=st.sampled_from(["courier-1", "agent-1"]),
    job=st.sampled_from([0, 7]),
    month=st.sampled_from(["2026-11", "2026-12"]),
    asked=ASKED,
    tariff=st.just(TARIFF) | TARIFFS,
    submitter=st.sampled_from(["", "ada"]),
)


@given(USAGES, USAGES, USAGES)
def test_the_order_of_records_does_not_matter(a: Usage, b: Usage, c: Usage) -> None:
    orders = [asked_together(order) for order in permutations((a, b, c))]
    assert all(each == orders[0] for each in orders)
    one, two, three = (replace(u, asker="x", job=0, month="2026-11") for u in (a, b, c))
    assert one.merged(two).merged(three) == one.merged(two.merged(three))


@given(st.lists(USAGES, max_size=6))
def test_a_record_that_comes_twice_counts_once(records: list[Usage]) -> None:
    assert asked_together([*records, *records]) == asked_together(records)


@given(st.lists(USAGES, min_size=1, max_size=6), USAGES)
def test_nothing_that_was_counted_is_lost(records: list[Usage], more: Usage) -> None:
    def requests(told: list[Usage]) -> int:
        return sum(each.asked.requests for each in asked_together(told).values())

    assert requests([*records, more]) >= max(requests(records), more.asked.requests)


@given(st.lists(st.lists(ASKED, min_size=1, max_size=4), min_size=1, max_size=4), st.data())
def test_whoever_is_killed_what_was_told_counts_once(
    runs: list[list[Asking]], data: st.DataObject
) -> None:
    """Each run of a program tells its counts, which grow, and dies after any of its records."""
    told, last = [], []
    for number, steps in enumerate(runs):
        grown = [reduce(Asking.most, steps[: n + 1]) for n in range(len(steps))]
        alive = data.draw(st.integers(0, len(grown)))
        records = [
            Usage(asker=f"run-{number}", job=7, month="2026-11", asked=asked, tariff=TARIFF)
            for asked in grown[:alive]
        ]
        told += records
        last += records[-1:]
    found = asked_together(data.draw(st.permutations(told)))
    assert sum(u.asked.requests for u in found.values()) == sum(u.asked.requests for u in last)
    assert sum(u.asked.home_bytes for u in found.values()) == sum(u.asked.home_bytes for u in last)


@given(USAGES)
def test_records_are_read_as_they_were_written(usage: Usage) -> None:
    clean = replace(usage, tariff=replace(usage.tariff, source="a list"))
    assert Usage.from_bytes(clean.to_bytes()) == clean


@pytest.mark.parametrize(
    ("before", "after"), [(b'"writes":5', b'"writes":-5'), (b"2026-11", b"2026-13")]
)
def test_what_is_no_such_record_is_refused(before: bytes, after: bytes) -> None:
    usage = Usage(asker="a", job=7, month="2026-11", asked=Asking(writes=5), tariff=TARIFF)
    with pytest.raises(FormatError):
        Usage.from_bytes(usage.to_bytes().replace(before, after))


def test_requests_and_what_came_home_are_charged_at_the_catalogues_prices() -> None:
    asked = Asking(writes=2000, reads=10_000, restores=1000, home_bytes=10 * GB)
    usage = Usage(asker="a", job=7, month="2026-11", asked=asked, tariff=TARIFF)
    requests, home = usage.charges("p")
    assert (requests.what, requests.requests) == (What.REQUESTS, 13_000)
    assert requests.usd == Decimal("0.01") + Decimal("0.004") + Decimal("0.1")
    assert (home.what, home.gigabytes, home.usd) == (What.EGRESS, Decimal(10), Decimal("0.9"))
    assert home.source == "list prices of us-east-1, 2026-08-21"


def test_what_costs_nothing_is_no_charge() -> None:
    asked = Asking(writes=5, home_bytes=5)
    free = Usage(asker="a", job=0, month="2026-11", asked=asked, tariff=Tariff())
    assert not list(free.charges("p"))
