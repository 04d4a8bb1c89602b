"""What an account may not start is never offered, and the plan says how to ask for more."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.allowance import Allowance, is_of
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.planner.decide import decided, limits_of
from tests.planner.test_decide import ground
from tests.planner.works import CLASS2D, MOTION, plan

_FAMILIES = frozenset(["g", "p3", "c", "m"])


def allowance(market: Market, vcpus: int, *families: str, region: str = "us-west-2") -> Allowance:
    return Allowance(
        region=region,
        market=market,
        families=frozenset(families) or _FAMILIES,
        vcpus=vcpus,
        whose="G and VT",
        more="ask-for",
    )


@given(vcpus=st.integers(0, 600), spot=st.integers(0, 600))
def test_nothing_is_offered_that_passes_what_the_account_may_start(vcpus: int, spot: int) -> None:
    may = {Market.ON_DEMAND: vcpus, Market.SPOT: spot}
    made = plan(MOTION, allowances=tuple(allowance(market, n) for market, n in may.items()))
    for option in made.front:
        assert option.machines * option.listing.kind.vcpus <= may[option.market]
    assert (made.choice is None) == (not made.front)


def test_a_row_a_quota_says_what_is_needed_what_may_be_had_and_how_to_ask() -> None:
    made = plan(CLASS2D, allowances=(allowance(Market.SPOT, 8, "g"),))
    row = made.excluded[-1]
    assert "g6.12xlarge" in row.kinds
    assert row.why.startswith("needs 48 ")
    assert "vCPUs on Spot, and the account may start 8 of G and VT in us-west-2" in row.why
    assert row.why.endswith("ask for more with ask-for 48")
    assert any(option.listing.kind.name in row.kinds for option in made.front), "on demand it may"


def test_where_nothing_is_left_the_reason_says_why() -> None:
    none = tuple(allowance(market, 0) for market in Market)
    made = plan(CLASS2D, allowances=none)
    assert made.choice is None
    assert "the account may start 0 of G and VT" in made.reason


def test_one_machine_may_be_had_where_two_may_not() -> None:
    made = plan(MOTION, market=Market.SPOT, allowances=(allowance(Market.SPOT, 48),))
    assert {option.machines for option in made.front} == {1}
    assert not any("account may start" in each.why for each in made.excluded)


def test_what_another_region_allows_says_nothing_of_this_one() -> None:
    elsewhere = tuple(allowance(market, 0, region="eu-west-1") for market in Market)
    assert plan(CLASS2D, allowances=elsewhere) == plan(CLASS2D)


def test_an_order_has_nothing_that_the_account_may_not_start() -> None:
    def offers(*allowances: Allowance, machine: str = "") -> tuple[Offer, ...]:
        limits = limits_of(
            Wish(machine=machine), count=0, most=16, whole=False, allowances=allowances
        )
        table = tuple(Offer(("p3.8xlarge",), market) for market in Market)
        made = decided(CLASS2D, limits, replace(ground(), table=table))
        assert isinstance(made, Chosen)
        return made.offers

    spot_alone = allowance(Market.ON_DEMAND, 0)
    assert {each.market for each in offers()} == set(Market)
    assert {each.market for each in offers(spot_alone)} == {Market.SPOT}
    assert len(offers(machine="p3.8xlarge")) == 2
    assert {each.market for each in offers(spot_alone, machine="p3.8xlarge")} == {Market.SPOT}


@pytest.mark.parametrize(
    ("kind", "family", "is_one"),
    [
        ("g6e.xlarge", "g", True),
        ("gr6.4xlarge", "g", False),
        ("p5en.48xlarge", "p5", True),
        ("p4d.24xlarge", "p5", False),
        ("im4gn.large", "i", False),
    ],
)
def test_a_family_is_letters_or_letters_and_a_generation(
    kind: str, family: str, *, is_one: bool
) -> None:
    assert is_of(kind, {family}) is is_one
