"""Catalogues: views of them, discounts, and what AWS itself has answered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cryoem_cloud.model.answers import Answers, Part
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.machine_type import MachineType, Price
from cryoem_cloud.model.offer import Market
from cryoem_cloud.planner.catalog.catalogue import published, snapshot

WEST, EAST = "us-west-2", "us-east-1"
NOW = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)
HALF = Decimal("0.5")


def test_a_catalogue_says_of_which_day_it_is() -> None:
    assert snapshot(WEST).stamp == "of 2026-07-05"
    assert published().stamp == "of 2017-11-12"
    assert snapshot(WEST, EAST).regions == (WEST, EAST)
    assert len(snapshot().regions) == 8


def test_only_one_region() -> None:
    here = snapshot(WEST, EAST).only(EAST)
    assert here.regions == (EAST,)
    assert here.named("g6e.xlarge", WEST) is None
    found = here.named("g6e.xlarge", EAST)
    assert found is not None
    assert found.price.on_demand == Decimal("1.861")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("L40S", "L40S"),
        ("l40s", "L40S"),
        ("L4", "L4"),  # and not L40S
        ("A-100", "A100"),
        ("rtx pro 6000", "RTX PRO Server 6000"),
        ("RTX-PRO-Server-6000", "RTX PRO Server 6000"),
    ],
)
def test_gpus_are_found_as_users_write_them(said: str, meant: str) -> None:
    assert snapshot(WEST).with_gpu(said).gpus == (meant,)


def test_a_gpu_that_is_not_known_is_told_with_those_that_are() -> None:
    for said in ("L41", "", "rtx 4090"):
        with pytest.raises(UsageError, match=r"A10G, H100, .*L40S"):
            snapshot(WEST).with_gpu(said)


def test_a_discount_lowers_every_price() -> None:
    full, lower = snapshot(WEST), snapshot(WEST).discounted(HALF)
    for before, after in zip(full.listings, lower.listings, strict=True):
        for name in ("on_demand", "spot", "reserved_1y", "reserved_3y"):
            usd = getattr(before.price, name)
            assert getattr(after.price, name) == (None if usd is None else usd / 2)
    for factor in ("0", "1.1", "-1"):
        with pytest.raises(UsageError):
            full.discounted(Decimal(factor))


def told(**parts: Decimal) -> Answers:
    """About g6e.xlarge: the parts that there are, asked a minute ago."""
    names = {"specs": Part.SPECS, "on_demand": Part.ON_DEMAND, "spot": Part.SPOT}
    kind = MachineType(name="g6e.xlarge", vcpus=4, memory_gib=33.0, gpu="L40S", gpus=1)
    price = Price(on_demand=parts.get("on_demand"))
    return Answers(
        region=WEST,
        asked={names[name]: NOW - timedelta(minutes=1) for name in parts},
        specs={kind.name: kind},
        on_demand={kind.name: price},
        spot={kind.name: {"usw2-az1": Decimal("0.4"), "usw2-az2": Decimal("0.6")}},
    )


def test_a_fresh_answer_goes_before_the_snapshot() -> None:
    before = snapshot(WEST, EAST)
    after = before.renewed(told(spot=HALF), NOW)
    here = after.named("g6e.xlarge", WEST)
    assert here is not None
    assert (here.price.spot, here.price.of(Market.SPOT)) == (HALF, Decimal("0.4"))
    assert here.price.on_demand == Decimal("1.861")
    assert after.stamp == (
        "us-west-2: spot of 2026-11-29 03:59 UTC (AWS's answers); all else of 2026-07-05"
    )
    assert after.told == f"us-east-1, {after.stamp}"
    assert after.only(WEST).told == after.stamp
    assert after.only(EAST).listings == before.only(EAST).listings
    assert after.only(EAST).stamp == "of 2026-07-05"
    assert after.regions == before.regions
    assert before.renewed(replace(told(spot=HALF), region=EAST), NOW).regions == before.regions
    other = after.named("g6.xlarge", WEST)
    assert other is not None
    assert other.price.spot is None  # no zone sells it now


def test_what_aws_no_longer_sells_goes_and_what_is_new_comes() -> None:
    answers = told(specs=HALF, on_demand=Decimal(2))
    after = snapshot(EAST, WEST).renewed(answers, NOW).only(WEST)
    assert [each.kind.name for each in after.listings] == ["g6e.xlarge"]
    here = after.named("g6e.xlarge", WEST)
    assert here is not None
    assert (here.kind.memory_gib, here.kind.processor) == (33.0, "AMD Milan")
    assert here.price.on_demand == Decimal(2)


@pytest.mark.parametrize(
    ("part", "lasts"),
    [
        (Part.SPECS, timedelta(days=7)),
        (Part.ON_DEMAND, timedelta(hours=24)),
        (Part.SPOT, timedelta(minutes=10)),
    ],
)
def test_an_answer_grows_old(part: Part, lasts: timedelta) -> None:
    asked = Answers(region=WEST, asked={part: NOW - lasts})
    assert not asked.fresh(part, NOW)
    assert asked.fresh(part, NOW - timedelta(seconds=1))
    assert snapshot(WEST).renewed(asked, NOW) == snapshot(WEST)
