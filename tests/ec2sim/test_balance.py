"""Where Auto Scaling launches next, and whom it ends."""

from decimal import Decimal

import pytest

from tests.ec2sim.balance import market_for_next, pools_in_order, to_end, uneven, zones_in_order
from tests.ec2sim.capacity import Pool
from tests.ec2sim.groups import Member


def member(name: str, zone: str, since: float = 0.0, market: str = "spot") -> Member:
    return Member(name, zone, "m5.large", market, {}, since)


def test_the_fullest_zone_loses_its_oldest_first() -> None:
    group = [member("new", "b", 9), member("old", "b", 5), member("alone", "a", 1)]
    assert [each.instance_id for each in to_end(group, 1)] == ["old"]
    assert [each.instance_id for each in to_end(group, 2)] == ["old", "new"]
    group[1].protected = True
    assert [each.instance_id for each in to_end(group, 3)] == ["new", "alone"]


def test_the_emptiest_zone_is_launched_in_first() -> None:
    group = [member("1", "a"), member("2", "a"), member("3", "b")]
    assert zones_in_order(["a", "b", "c"], group) == ["c", "b", "a"]
    assert uneven(["a", "b"], group) is None
    assert uneven(["a", "b", "c"], group) == ("c", "a")
    assert uneven(["a"], group) is None


@pytest.mark.parametrize(
    ("base", "percent", "there", "market"),
    [
        (0, 0, [], "spot"),
        (0, 100, ["spot"], "on-demand"),
        (1, 0, [], "on-demand"),
        (1, 0, ["on-demand"], "spot"),
        (0, 50, ["on-demand"], "spot"),
        (0, 50, ["on-demand", "spot"], "on-demand"),
    ],
)
def test_the_share_on_demand(base: int, percent: int, there: list[str], market: str) -> None:
    distribution = {
        "OnDemandBaseCapacity": base,
        "OnDemandPercentageAboveBaseCapacity": percent,
    }
    group = [member(str(number), "a", market=each) for number, each in enumerate(there)]
    assert market_for_next(distribution, group) == market


@pytest.mark.parametrize(
    ("strategy", "first"),
    [
        ("price-capacity-optimized", "cheap"),
        ("lowest-price", "gone"),
        ("capacity-optimized", "roomy"),
        ("prioritized", "dear"),
    ],
)
def test_each_strategy_has_its_order(strategy: str, first: str) -> None:
    left = {"dear": 1, "gone": 0, "cheap": 2, "roomy": 9}
    price = {"dear": 9, "gone": 1, "cheap": 2, "roomy": 3}
    pools = [Pool(name, "a", "spot") for name in left]
    order = pools_in_order(
        pools,
        strategy,
        left=lambda pool: left[pool.type],
        price=lambda pool: Decimal(price[pool.type]),
    )
    assert order[0].type == first
