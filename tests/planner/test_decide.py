"""What a plan decides for a job: its machines in order, how many, and what is said of them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.machine_type import Listing
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.model.plan import Transfer
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.decide import Ground, decided, fixed_count, limits_of
from tests.planner.works import CLASS2D, CORES, L4, LISTINGS, MOTION, NEAR, TERMS, kind, listing

_TABLE = (Offer(("of-the-table",), Market.SPOT), Offer(("of-the-table",), Market.ON_DEMAND))
_DAY_S = 86400.0
_TWIN = replace(L4, name="g6x.12xlarge")
_DEAR = replace(L4, name="g6dear.12xlarge")
_MANY = replace(L4, name="g6many.12xlarge", vcpus=64)
_SMALL = replace(L4, name="g6small.12xlarge", memory_gib=150)


def ground(*listings: Listing, **more: Any) -> Ground:  # noqa: ANN401
    prices = Catalogue(day="2026-07-05", listings=listings or LISTINGS)
    said: dict[str, Any] = {"transfer": NEAR, "limit_s": _DAY_S, **more}
    return Ground(prices=prices, terms=TERMS, table=_TABLE, **said)


def found(
    work: Work, wish: Wish, on: Ground, *, count: int = 0, most: int = 64, whole: bool = False
) -> Chosen:
    made = decided(work, limits_of(wish, count=count, most=most, whole=whole), on)
    assert isinstance(made, Chosen), made
    return made


def test_the_choice_is_tried_on_spot_and_then_on_demand() -> None:
    made = found(CLASS2D, Wish(), ground())
    spot, on_demand = made.offers
    assert (spot.market, on_demand.market) == (Market.SPOT, Market.ON_DEMAND)
    assert spot.kinds == on_demand.kinds
    assert made.count == 1
    assert made.said[0].startswith(f"cryoem: plan: 1 x {spot.kinds[0]}, Spot: ")
    assert "us-west-2, of 2026-07-05" in made.text


def test_kinds_that_are_as_good_and_of_one_shape_are_offered_together() -> None:
    """So that Spot has several pools to choose from; scripts are adapted to one shape."""
    listings = (
        listing(L4, "4.60", "1.70"),
        listing(_TWIN, None, "1.75"),
        listing(_DEAR, "9.00", "2.60"),
        listing(_MANY, "4.60", "1.71"),
        listing(_SMALL, "4.60", "1.71"),
    )
    made = found(CLASS2D, Wish(), ground(*listings))
    spot, on_demand = made.offers
    assert spot.kinds == (L4.name, _TWIN.name)
    assert on_demand.kinds == (L4.name,), "the twin is not sold on demand"
    assert f"any of these will do: {L4.name}, {_TWIN.name}" in made.text


def test_a_market_that_was_wished_is_the_only_one() -> None:
    for market in Market:
        made = found(CLASS2D, Wish(market=market.value), ground())
        assert {offer.market for offer in made.offers} == {market}


def test_types_that_the_user_named_stay_and_are_priced() -> None:
    made = found(CLASS2D, Wish(machine="p3.8xlarge"), ground())
    assert made.offers == _TABLE
    assert "1 x p3.8xlarge, Spot" in made.said[0]
    assert made.usd_p90 > 0


def test_the_number_of_machines_is_planned_unless_the_user_fixed_it() -> None:
    assert found(MOTION, Wish(), ground()).count > 2
    assert found(MOTION, Wish(), ground(), count=2).count == 2
    assert found(MOTION, Wish(), ground(), count=12).count == 12
    assert found(MOTION, Wish(pieces=1), ground(), count=2).count == 1
    assert found(MOTION, Wish(), ground(), whole=True).count == 1
    assert found(CLASS2D, Wish(), ground(), count=5).count == 1, "it cannot be cut"
    few = replace(MOTION, items=20, input_bytes=0, output_bytes=0)
    assert found(few, Wish(), ground()).count < 16
    assert found(few, Wish(), ground(), count=16).count == 16


def test_a_plan_chooses_no_more_machines_than_it_may() -> None:
    hasty = Wish(budget_usd=Decimal(500), market="spot")
    assert found(MOTION, hasty, ground()).count > 16
    assert found(MOTION, hasty, ground(), most=16).count <= 16
    assert found(MOTION, replace(hasty, max_machines=3), ground(), most=16).count <= 3
    assert found(MOTION, replace(hasty, max_machines=64), ground(), most=2).count > 2
    assert found(MOTION, hasty, ground(), count=24, most=16).count == 24, "the user said so"


def test_a_number_of_machines_is_fixed_by_the_job_or_as_usual_and_no_larger_than_allowed() -> None:
    assert fixed_count(Wish(), 1) == 0
    assert fixed_count(Wish(), 8) == 8
    assert fixed_count(Wish(count=2), 8) == 2
    assert fixed_count(Wish(max_machines=3), 8) == 3
    assert fixed_count(Wish(max_machines=3), 1) == 0


def test_a_deadline_makes_it_dearer_and_a_budget_slower() -> None:
    free = found(CLASS2D, Wish(), ground())
    hasty = found(CLASS2D, Wish(deadline_s=free.paid_s // 2), ground())
    assert hasty.said[0] != free.said[0]
    tight = found(CLASS2D, Wish(budget_usd=free.usd_p90 * Decimal("0.9")), ground())
    assert tight.usd_p90 <= free.usd_p90 * Decimal("0.9") or "so the cheapest" in tight.said[0]


def test_a_deadline_that_nothing_keeps_is_told_and_given_up() -> None:
    made = found(CLASS2D, Wish(deadline_s=60), ground())
    free = found(CLASS2D, Wish(), ground())
    assert made.offers == free.offers
    assert made.said[0].startswith("cryoem: plan: nothing ends within")
    assert f"; so 1 x {free.offers[0].kinds[0]}" in made.said[0]


def test_of_a_budget_that_nothing_keeps_the_cheapest_is_left() -> None:
    made = found(CLASS2D, Wish(budget_usd=Decimal("0.01"), deadline_s=60), ground())
    assert made.said[0].endswith("so the cheapest")
    others = [
        found(CLASS2D, Wish(machine=each.kind.name), ground()).usd_p90
        for each in LISTINGS
        if each.kind.gpus
    ]
    assert made.usd_p90 == min(others)


def test_work_that_outlasts_the_machines_is_told() -> None:
    assert "#CRYOEM hours=" in found(CLASS2D, Wish(), ground(limit_s=600.0)).text
    assert "#CRYOEM hours=" not in found(CLASS2D, Wish(), ground(limit_s=10 * _DAY_S)).text


def test_the_short_form_has_three_to_five_lines() -> None:
    slow = Transfer(line_bytes_s=1e6, up_bytes=10**9)
    for wish in (Wish(), Wish(deadline_s=60), Wish(machine="p3.8xlarge")):
        for limit_s in (60.0, 10 * _DAY_S):
            made = found(CLASS2D, wish, ground(transfer=slow, limit_s=limit_s))
            assert 3 <= len(made.said) <= 5


@pytest.mark.parametrize(
    ("work", "listings"),
    [
        (Work(program=Program.OTHER), LISTINGS),
        (CLASS2D, (listing(CORES, "1.36", "0.55"),)),
        (CLASS2D, (listing(kind("none.large"), None, None),)),
    ],
)
def test_nothing_is_decided_where_nothing_is_known_or_sold(
    work: Work, listings: tuple[Listing, ...]
) -> None:
    made = decided(work, limits_of(Wish(), count=0, most=16, whole=False), ground(*listings))
    assert isinstance(made, str)
    assert made


def test_a_decision_is_read_as_it_was_written() -> None:
    made = found(CLASS2D, Wish(), ground())
    assert Chosen.from_bytes(made.to_bytes()) == made
    for odd in (replace(made, offers=()), replace(made, count=0), replace(made, paid_s=0)):
        with pytest.raises(FormatError, match="offers no machine"):
            Chosen.from_bytes(odd.to_bytes())
