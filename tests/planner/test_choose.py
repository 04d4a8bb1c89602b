"""Plans: limits are kept, the front is one, and more freedom is never worse."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoem_cloud.model.machine_type import Listing
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.plan import Option, Transfer
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.choose import SENSIBLE, WITHIN
from tests.planner.works import (
    ALL_LISTINGS,
    CLASS2D,
    CORES,
    L4,
    LISTINGS,
    MOTION,
    V100,
    WORKS,
    listing,
    plan,
)

_HOURS = st.floats(0.01, 2000)
_USD = st.decimals("0.01", "20000", places=2)


def chosen(work: Work, **limits: Any) -> Option:  # noqa: ANN401
    made = plan(work, **limits)
    assert made.choice is not None, made.reason
    return made.choice


@settings(max_examples=40)
@given(WORKS, ALL_LISTINGS)
def test_the_front_is_of_options_that_none_beats(work: Work, listings: list[Listing]) -> None:
    made = plan(work, tuple(listings))
    hours = [option.total_h.p50 for option in made.front]
    usd = [option.usd.p50 for option in made.front]
    assert hours == sorted(set(hours))
    assert usd == sorted(set(usd), reverse=True)
    assert bool(made.front) == (made.choice is not None)


@settings(max_examples=40)
@given(WORKS, ALL_LISTINGS, st.none() | _HOURS, st.none() | _USD)
def test_the_choice_keeps_the_limits_or_nothing_does(
    work: Work, listings: list[Listing], deadline_h: float | None, budget_usd: Decimal | None
) -> None:
    made = plan(work, tuple(listings), deadline_h=deadline_h, budget_usd=budget_usd)
    assert made.reason
    options = made.front if made.choice is None else (made.choice,)
    kept = [
        (deadline_h is None or option.total_h.p90 <= deadline_h)
        and (budget_usd is None or option.usd.p90 <= budget_usd)
        for option in options
    ]
    assert all(kept) if made.choice else not any(kept)


@settings(max_examples=40)
@given(WORKS, ALL_LISTINGS, _HOURS, _HOURS)
def test_more_time_never_makes_a_plan_dearer(
    work: Work, listings: list[Listing], one_h: float, more_h: float
) -> None:
    tight = plan(work, tuple(listings), deadline_h=one_h).choice
    loose = plan(work, tuple(listings), deadline_h=one_h + more_h).choice
    if tight is not None:
        assert loose is not None
        assert loose.usd.p50 <= tight.usd.p50


@settings(max_examples=40)
@given(WORKS, ALL_LISTINGS, _USD, _USD)
def test_more_money_never_makes_a_plan_slower(
    work: Work, listings: list[Listing], one: Decimal, more: Decimal
) -> None:
    tight = plan(work, tuple(listings), budget_usd=one).choice
    loose = plan(work, tuple(listings), budget_usd=one + more).choice
    if tight is not None:
        assert loose is not None
        assert loose.total_h.p50 <= tight.total_h.p50


def test_by_itself_it_is_the_cheapest_of_those_that_are_about_as_fast_as_is_sensible() -> None:
    made = plan(CLASS2D)
    assert made.choice is not None
    cheapest = made.front[-1].usd.p50
    sensible = [option for option in made.front if option.usd.p50 <= SENSIBLE * cheapest]
    assert made.choice.total_h.p50 <= WITHIN * sensible[0].total_h.p50
    assert made.choice.name in made.reason


def test_a_fast_machine_at_an_absurd_price_does_not_set_the_pace() -> None:
    fast = replace(V100, name="x.gold", gpus=16)
    with_gold = plan(CLASS2D, (*LISTINGS, listing(fast, "900")))
    assert with_gold.choice == plan(CLASS2D).choice
    assert with_gold.front[0].listing.kind.name == "x.gold"


def test_a_deadline_buys_speed_and_a_budget_limits_it() -> None:
    slow = chosen(CLASS2D, budget_usd=Decimal(10_000), market=Market.SPOT)
    cheap = chosen(CLASS2D, deadline_h=1000.0)
    assert slow.total_h.p50 < cheap.total_h.p50
    assert cheap.usd.p50 < slow.usd.p50
    assert "the cheapest that ends within 1000 h" in plan(CLASS2D, deadline_h=1000.0).reason


def test_a_limit_is_kept_nine_times_of_ten_and_not_every_other_time() -> None:
    (option,) = plan(CLASS2D, kinds=(V100.name,), market=Market.SPOT).front
    even_h = (option.total_h.p50 + option.total_h.p90) / 2
    even = (option.usd.p50 + option.usd.p90) / 2
    only: dict[str, Any] = {"kinds": (V100.name,), "market": Market.SPOT}
    assert plan(CLASS2D, **only, deadline_h=even_h).choice is None
    assert plan(CLASS2D, **only, budget_usd=even).choice is None
    assert plan(CLASS2D, **only, deadline_h=option.total_h.p90).choice == option
    assert plan(CLASS2D, **only, budget_usd=option.usd.p90).choice == option


def test_where_nothing_keeps_the_limits_it_says_what_comes_nearest() -> None:
    made = plan(CLASS2D, deadline_h=0.5, budget_usd=Decimal(1))
    assert made.choice is None
    assert made.front
    assert made.reason.startswith("nothing ends within 0.5 h and costs at most $1.00")
    assert "may take" in made.reason
    assert "may cost $" in made.reason


def test_a_deadline_of_minutes_is_said_in_minutes() -> None:
    assert plan(CLASS2D, deadline_h=1 / 60).reason.startswith("nothing ends within 1 min ")


def test_what_is_excluded_is_said_with_its_reason() -> None:
    made = plan(CLASS2D)
    (excluded,) = made.excluded
    assert excluded.kinds == (CORES.name,)
    assert excluded.why == "its command uses GPUs, and the machine has none"


def test_markets_regions_and_types_that_the_user_names_are_kept() -> None:
    there = listing(L4, "1.00", region="eu-west-1")
    assert chosen(CLASS2D, market=Market.ON_DEMAND).market is Market.ON_DEMAND
    assert chosen(CLASS2D, kinds=(V100.name,)).listing.kind is V100
    everywhere = plan(CLASS2D, (*LISTINGS, there), market=Market.ON_DEMAND, kinds=(L4.name,))
    here = plan(
        CLASS2D,
        (*LISTINGS, there),
        market=Market.ON_DEMAND,
        regions=("us-west-2",),
        kinds=(L4.name,),
    )
    assert everywhere.choice is not None
    assert here.choice is not None
    assert everywhere.choice.listing.region == "eu-west-1"
    assert here.choice.listing.region == "us-west-2"


def test_the_largest_disk_limits_how_many_machines_and_which() -> None:
    made = plan(replace(MOTION, divisible=False), disk_gib=16_000)
    assert made.choice is None
    assert any("GiB of disk" in excluded.why for excluded in made.excluded)


def test_a_machine_has_disk_for_its_pieces_and_not_for_all_of_them() -> None:
    (alone,) = plan(replace(MOTION, divisible=False), kinds=(CORES.name,), market=Market.SPOT).front
    (pieces,) = plan(MOTION, kinds=(CORES.name,), market=Market.SPOT, machines=1).front
    assert alone.disk_gib == -(-3 * 12 * 10**12 // 2**30)
    assert pieces.disk_gib < alone.disk_gib / 100
    assert pieces.disk_usd < alone.disk_usd / 100


def test_machines_that_work_in_pieces_begin_while_the_rest_is_sent() -> None:
    line = Transfer(up_bytes=12 * 10**12, line_bytes_s=3e8)
    sending_h = 12e12 / 3e8 / 3600
    streamed = chosen(MOTION, transfer=line, kinds=(CORES.name,), machines=1)
    alone = chosen(replace(MOTION, divisible=False), transfer=line, kinds=(CORES.name,))
    assert streamed.total_h.p50 == pytest.approx(streamed.paid_h.p50)
    assert alone.paid_h.p50 == pytest.approx(streamed.paid_h.p50)
    assert alone.total_h.p50 == pytest.approx(alone.paid_h.p50 + sending_h)
    many = chosen(MOTION, transfer=line, budget_usd=Decimal(100_000))
    assert sending_h < many.total_h.p50 < sending_h + 0.1


def test_money_is_made_of_machines_disks_and_bytes_that_come_home() -> None:
    option = chosen(CLASS2D, transfer=Transfer(down_bytes=2**30, line_bytes_s=1e8))
    assert option.egress_usd == Decimal("0.09")
    assert option.usd.p50 == option.machines_usd + option.disk_usd + option.egress_usd
    price = option.listing.price.of(option.market)
    assert price is not None
    assert option.machines_usd == price * Decimal(repr(option.paid_h.p50))


def test_machines_that_may_be_taken_away_take_longer() -> None:
    spot = chosen(CLASS2D, market=Market.SPOT, kinds=(L4.name,))
    kept = chosen(CLASS2D, market=Market.ON_DEMAND, kinds=(L4.name,))
    assert spot.interruptions > kept.interruptions == 0
    assert spot.total_h.p50 > kept.total_h.p50
    assert spot.usd.p50 < kept.usd.p50


def test_of_what_nothing_is_known_nothing_is_offered() -> None:
    made = plan(Work(program=Program.OTHER))
    assert (made.choice, made.front) == (None, ())
    assert made.excluded[0].why == "no times are known of what it runs"
    assert len(made.excluded[0].kinds) == len(LISTINGS)


@pytest.mark.parametrize("market", list(Market))
def test_what_is_not_sold_so_is_not_offered(market: Market) -> None:
    made = plan(CLASS2D, (listing(V100, None), listing(L4, "1", "1")), market=market)
    assert any(
        "is not sold" in found.why and found.kinds == (V100.name,) for found in made.excluded
    )


def test_no_more_machines_are_planned_than_make_it_shorter_nor_dearer_ones() -> None:
    """The line is what takes time: the cheapest machine keeps up with it."""
    line = Transfer(up_bytes=12 * 10**12, line_bytes_s=2e6)
    option = chosen(MOTION, transfer=line)
    assert option.machines == 1
    made = plan(MOTION, transfer=line)
    assert option.usd.p50 == min(each.usd.p50 for each in made.front)


def test_machines_are_paid_for_from_their_own_order_on() -> None:
    line = Transfer(up_bytes=12 * 10**12, line_bytes_s=3e8)
    option = chosen(MOTION, transfer=line, kinds=(CORES.name,), machines=8)
    assert option.machines > 1
    assert option.paid_h.p50 < 0.9 * option.life_h.p50
    assert option.life_h.p50 <= option.total_h.p50


def test_fewer_machines_than_were_asked_for_are_told_with_why() -> None:
    few = replace(MOTION, items=6, input_bytes=0, output_bytes=0)
    made = plan(few, machines=8, fewest=8)
    assert made.choice is not None
    assert made.choice.machines == 6
    assert made.reason.endswith(
        "; 6 machines and not 8, as it cannot be cut into more than 6 pieces"
    )
    assert plan(MOTION, machines=99, fewest=99).reason.endswith("and not 99, as a job gets no more")
    assert "and not" not in plan(MOTION, machines=8, fewest=8).reason
