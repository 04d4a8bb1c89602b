"""What AWS says today of machine types and prices, asked of a simulated one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cryoem_cloud.model.answers import Answers, Part
from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.planner.catalog.catalogue import snapshot
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.market import ask, specs, spot
from cryoem_cloud.providers.aws.prices import listed, on_demand_usd
from tests.ec2sim.cloud import Cloud

REGION = "us-west-2"
FAMILIES = {kind.family for kind in tables.kinds().values()}
NOW = datetime(2026, 11, 29, 4, 0, 30, 500, tzinfo=UTC)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


@pytest.fixture
def calls(cloud: Cloud) -> Calls:
    env = {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    return Calls(env, REGION)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regions have few machine types."""
    names = (
        "c7i.large",
        "c7i.8xlarge",
        "c7i.metal-24xl",
        "c7g.8xlarge",
        "g6e.xlarge",
        "g6f.xlarge",
    )
    monkeypatch.setattr("tests.ec2sim.ec2.offered_in", lambda _: {*names, "m7i.4xlarge"})


@pytest.fixture
def prices(calls: Calls) -> Calls:
    return calls.elsewhere("us-east-1")


def test_machine_types_are_those_of_the_table(calls: Calls) -> None:
    found = specs(calls, FAMILIES)
    both = {each.kind.name for each in tables.listings(REGION)} & set(found)
    assert len(both) > 200  # of several pages
    for name in both:
        known = tables.kinds()[name]
        told = {
            each: getattr(found[name], each) for each in ("vcpus", "cores", "memory_gib", "gpu")
        }
        assert told == {each: getattr(known, each) for each in told}, name
        assert found[name].gpus == known.gpus
        assert found[name].gpu_memory_gib == known.gpu_memory_gib
        assert found[name].network_gbps == pytest.approx(known.network_gbps, abs=0.01)
        assert found[name].baseline_gbps == pytest.approx(known.baseline_gbps, abs=0.01)
        if name != "d2.8xlarge":
            assert found[name].nvme_gb == known.nvme_gb


def test_machine_types_that_nobody_would_rent_are_left_out(calls: Calls, few: None) -> None:
    assert set(specs(calls, {"c7i", "c7g"})) == {"c7i.8xlarge", "g6e.xlarge"}


def test_a_share_of_a_gpu_is_none(calls: Calls, few: None) -> None:
    part = specs(calls, {"g6f"})["g6f.xlarge"]
    assert (part.gpu, part.gpus, part.gpu_memory_gib) == ("", 0, 0)


def test_prices_are_those_of_machines_in_use_without_licences(prices: Calls) -> None:
    found = listed(prices, REGION)
    assert len(found) == 17
    g6e = found["g6e.4xlarge"]
    assert g6e.on_demand == Decimal("3.00424")
    assert g6e.reserved_1y == Decimal("1.802544")
    assert g6e.reserved_3y == Decimal("1.201696")


def test_one_machine_type_is_asked_for_alone(prices: Calls) -> None:
    assert on_demand_usd(prices, "g6e.4xlarge", REGION) == Decimal("3.00424")
    assert on_demand_usd(prices, "g99.4xlarge", REGION) is None


def test_prices_come_page_by_page(prices: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.ec2sim.pricing._MOST_A_PAGE", 5)
    assert len(listed(prices, REGION)) == 17


def test_spot_has_a_price_for_each_zone_by_its_id(cloud: Cloud, calls: Calls) -> None:
    cloud.prices.set_spot("g6e.xlarge", "us-west-2b", Decimal("0.7"))
    found = spot(calls, NOW)
    assert found["g6e.xlarge"]["usw2-az1"] == Decimal("0.7")  # which is zone b here
    assert set(found["g6e.xlarge"]) <= {"usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4"}


def test_of_a_zone_the_newest_price_counts(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {
            "InstanceType": "g6.xlarge",
            "AvailabilityZoneId": "usw2-az1",
            "SpotPrice": price,
            "Timestamp": NOW - timedelta(hours=hours),
        }
        for price, hours in (("0.5", 2), ("0.4", 1), ("0.6", 3))
    ]
    monkeypatch.setattr(Calls, "pages", lambda *_, **__: iter(rows))
    assert spot(calls, NOW) == {"g6.xlarge": {"usw2-az1": Decimal("0.4")}}


@pytest.mark.parametrize("part", Part)
def test_an_answer_carries_its_instant_and_can_be_kept(
    calls: Calls, prices: Calls, part: Part, few: None
) -> None:
    found = ask(calls, prices, part, families=FAMILIES, now=NOW)
    assert found.asked == {part: NOW.replace(microsecond=0)}
    record = json.loads(json.dumps(found.to_json(part)))
    assert Answers.from_json(record) == found
    after = snapshot(REGION).renewed(found, NOW + timedelta(minutes=1))
    assert after.stamp.startswith(
        f"us-west-2: {part.value} of 2026-11-29 04:00 UTC (AWS's answers)"
    )
    assert after != snapshot(REGION)


@pytest.mark.parametrize(
    "entry",
    [
        "no JSON",
        "[]",
        json.dumps({"product": {"attributes": {"instanceType": "x"}}}),
        json.dumps(
            {
                "product": {"attributes": {"instanceType": "x"}},
                "terms": {"OnDemand": {"a": {"priceDimensions": {}}}},
            }
        ),
    ],
)
def test_an_answer_that_is_odd_is_an_error_of_the_providers(
    calls: Calls, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Calls, "pages", lambda *_, **__: iter([entry]))
    with pytest.raises(
        ProviderError, match="price list of us-west-2 has an entry that we cannot read"
    ):
        ask(calls, calls, Part.ON_DEMAND, families=FAMILIES, now=NOW)


@pytest.mark.parametrize("row", [{}, {"InstanceType": "x", "AvailabilityZoneId": "a"}])
def test_so_is_an_odd_one_about_spot(
    calls: Calls, row: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Calls, "pages", lambda *_, **__: iter([row]))
    with pytest.raises(ProviderError, match="spot of us-west-2 is none that we can read"):
        ask(calls, calls, Part.SPOT, families=FAMILIES, now=NOW)
