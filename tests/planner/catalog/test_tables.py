"""The tables of the package: known facts, whole rows, small and quick."""

import time
from decimal import Decimal
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.storage_prices import GB, StorageClass
from cryoem_cloud.planner import catalog
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.planner.published.pipeline import pipeline
from cryoem_cloud.planner.static import offers_for

HERE = Path(catalog.__file__).parent
TB = 1024 * GB

# As AWS's pages have them: vCPUs, cores, GiB, GPU, so many, GiB of each, GB of own disks.
FACTS = {
    "p2.8xlarge": (32, 16, 488, "K80", 8, 12, 0),
    "p2.16xlarge": (64, 32, 732, "K80", 16, 12, 0),
    "p3.2xlarge": (8, 4, 61, "V100", 1, 16, 0),
    "p3dn.24xlarge": (96, 48, 768, "V100", 8, 32, 1800),
    "p4d.24xlarge": (96, 48, 1152, "A100", 8, 40, 8000),
    "p4de.24xlarge": (96, 48, 1152, "A100", 8, 80, 8000),
    "p5.48xlarge": (192, 96, 2048, "H100", 8, 80, 30400),
    "p5en.48xlarge": (192, 96, 2048, "H200", 8, 141, 30400),
    "g4dn.12xlarge": (48, 24, 192, "T4", 4, 16, 900),
    "g5.12xlarge": (48, 24, 192, "A10G", 4, 22.35, 3800),
    "g6.12xlarge": (48, 24, 192, "L4", 4, 22.35, 3760),
    "g6e.4xlarge": (16, 8, 128, "L40S", 1, 44.7, 600),
    "g6e.16xlarge": (64, 32, 512, "L40S", 1, 44.7, 1900),
    "g6e.48xlarge": (192, 96, 1536, "L40S", 8, 44.7, 7600),
    "gr6.8xlarge": (32, 16, 256, "L4", 1, 22.35, 900),
    "g7e.48xlarge": (192, 96, 2048, "RTX PRO Server 6000", 8, 96, 15200),
    "c7i.8xlarge": (32, 16, 64, "", 0, 0, 0),
    "c7a.8xlarge": (32, 32, 64, "", 0, 0, 0),  # Genoa: a vCPU is a core
    "c8a.8xlarge": (32, 32, 64, "", 0, 0, 0),
    "c6a.8xlarge": (32, 16, 64, "", 0, 0, 0),  # Milan: a hyperthread
    "m4.4xlarge": (16, 8, 64, "", 0, 0, 0),
    "c4.8xlarge": (36, 18, 60, "", 0, 0, 0),
    "d2.8xlarge": (36, 18, 244, "", 0, 0, 48000),
    "x1.32xlarge": (128, 64, 1952, "", 0, 0, 3840),
    "i4i.8xlarge": (32, 16, 256, "", 0, 0, 7500),
    "x2iedn.32xlarge": (128, 64, 4096, "", 0, 0, 3800),
}


def told(kind: MachineType) -> tuple[int, int, float, str, int, float, int]:
    gpu = (kind.gpu, kind.gpus, kind.gpu_memory_gib)
    return (kind.vcpus, kind.cores, kind.memory_gib, *gpu, kind.nvme_gb)


@pytest.mark.parametrize("name", FACTS)
def test_a_machine_type_is_what_aws_says(name: str) -> None:
    assert told(tables.kinds()[name]) == FACTS[name]


def test_a_network_is_that_of_one_card() -> None:
    kinds = tables.kinds()
    assert (kinds["p5.48xlarge"].network_gbps, kinds["p4d.24xlarge"].network_gbps) == (100, 100)
    assert (kinds["g4dn.xlarge"].network_gbps, kinds["g4dn.xlarge"].baseline_gbps) == (25, 5)


def test_rows_make_sense() -> None:
    for kind in tables.kinds().values():
        assert bool(kind.gpu) == bool(kind.gpus) == bool(kind.gpu_memory_gib), kind
        assert kind.threads_per_core in {1, 2}, kind
        assert 0 < kind.baseline_gbps <= kind.network_gbps <= 400, kind
        assert kind.processor.startswith(("Intel ", "AMD ")), kind


def test_prices_of_a_day_that_was_looked_up() -> None:
    found = {each.kind.name: each.price for each in tables.listings("us-west-2")}
    g6e = found["g6e.4xlarge"]
    assert (g6e.on_demand, g6e.spot) == (Decimal("3.00424"), Decimal("1.358225"))
    assert (g6e.reserved_1y, g6e.reserved_3y) == (Decimal("1.766438"), Decimal("1.129604"))
    assert found["c7i.8xlarge"].on_demand == Decimal("1.428")
    assert found["p2.8xlarge"].spot is None  # it was not sold so


@pytest.mark.parametrize("region", tables.REGIONS)
def test_prices_make_sense(region: str) -> None:
    listed = tables.listings(region)
    assert len(listed) > 150
    for each in listed:
        assert each.region == region
        price = each.price
        assert price.on_demand is not None
        for lower in (price.reserved_1y, price.reserved_3y):
            assert lower is None or 0 < lower < price.on_demand
        assert price.spot is None or 0 < price.spot < 2 * price.on_demand


def test_a_family_costs_what_its_size_says() -> None:
    found = {each.kind.name: each.price.on_demand for each in tables.listings("us-east-1")}
    for family in ("c7i", "m7i", "r7i", "c6a", "m7a"):
        small, large = found[f"{family}.2xlarge"], found[f"{family}.16xlarge"]
        assert small is not None
        assert large is not None
        assert abs(large - 8 * small) < Decimal("0.001") * large


def test_the_published_prices_are_those_of_its_day() -> None:
    found = {(x.region, x.kind.name): x.price for x in tables.listings_2017()}
    assert {
        name: found["us-west-2", name].on_demand
        for name in ("x1.32xlarge", "p2.8xlarge", "p2.16xlarge", "m4.4xlarge", "d2.8xlarge")
    } == {
        "x1.32xlarge": Decimal("13.338"),
        "p2.8xlarge": Decimal("7.2"),
        "p2.16xlarge": Decimal("14.4"),
        "m4.4xlarge": Decimal("0.8"),
        "d2.8xlarge": Decimal("5.52"),
    }
    assert found["us-west-2", "c4.8xlarge"].on_demand == Decimal("1.591")
    assert found["us-west-2", "x1.32xlarge"].reserved_3y == Decimal("3.732")
    assert {price.spot for price in found.values()} == {None}


def test_the_published_pipeline_was_paid_at_these_prices() -> None:
    found = {x.kind.name: x.price for x in tables.listings_2017() if x.region == "us-west-2"}
    used = [step.machines for step in pipeline("10061").steps]
    used.append(pipeline("10061").rosetta.machines)
    assert [machines.usd_h for machines in used] == [found[x.kind].on_demand for x in used]


def test_a_job_gets_machines_that_the_tables_have() -> None:
    scripts = ("", "relion_refine", "relion_refine --gpu", "relion_run_motioncorr", "x --gpu")
    for script in scripts:
        for offer in offers_for(script, Wish()):
            assert set(offer.kinds) <= set(tables.kinds())


def test_storage_prices_are_those_of_the_list() -> None:
    prices = tables.storage_prices("us-east-1")
    standard, deep = prices.classes[StorageClass.STANDARD], prices.classes[StorageClass.DEEP]
    assert (standard.gb_month, standard.writes_1000) == (Decimal("0.023"), Decimal("0.005"))
    assert (deep.gb_month, deep.bulk_read_gb) == (Decimal("0.00099"), Decimal("0.0025"))
    assert prices.month_usd(30_000 * GB) == Decimal(690)
    assert (prices.gp3_gb_month, prices.snapshot_gb_month) == (Decimal("0.08"), Decimal("0.05"))


def test_what_no_list_has_told_is_called_an_estimate() -> None:
    assert "GLACIER_IR GB-month" in tables.storage_prices("us-east-1").estimates
    assert "STANDARD GB-month" not in tables.storage_prices("us-east-1").estimates
    assert "STANDARD 1000 writes" in tables.storage_prices("eu-west-1").estimates
    assert tables.storage_prices("eu-west-1").gp3_gb_month == Decimal("0.088")


def test_egress_goes_down_in_steps_after_what_is_free() -> None:
    prices = tables.storage_prices("us-west-2")
    assert prices.egress_usd(100 * GB) == 0
    assert prices.egress_usd(101 * GB) == Decimal("0.09")
    assert prices.egress_usd(GB, before=10 * TB) == Decimal("0.085")
    whole = 10140 * Decimal("0.09") + 40960 * Decimal("0.085") + 102400 * Decimal("0.07")
    assert prices.egress_usd(151 * TB) == whole + 1024 * Decimal("0.05")
    assert prices.egress_usd(9 * TB) + prices.egress_usd(
        3 * TB, before=9 * TB
    ) == prices.egress_usd(12 * TB)


@pytest.mark.parametrize("region", tables.REGIONS)
def test_every_region_has_storage_prices(region: str) -> None:
    prices = tables.storage_prices(region)
    kept = [prices.classes[each].gb_month for each in StorageClass]
    assert kept == sorted(kept, reverse=True)
    assert [end for end, _ in prices.to_internet] == [10240, 51200, 153600, None]


def test_a_region_that_is_not_known_is_told_with_those_that_are() -> None:
    for ask in (tables.listings, tables.storage_prices):
        with pytest.raises(UsageError, match=r"us-wset-2.*us-west-2"):
            ask("us-wset-2")


def test_the_tables_are_small() -> None:
    assert sum(file.stat().st_size for file in HERE.rglob("*.csv")) < 150_000


def test_all_of_it_is_read_quickly() -> None:
    def read() -> float:
        for each in (tables.kinds, tables.listings, tables.listings_2017, tables.storage_prices):
            each.cache_clear()
        began_s = time.process_time()
        for region in tables.REGIONS:
            tables.listings(region)
            tables.storage_prices(region)
        tables.listings_2017()
        return time.process_time() - began_s

    assert min(read() for _ in range(5)) < 0.03


def test_a_store_costs_what_its_sellers_region_asks() -> None:
    sydney = tables.store_prices("aws", "ap-southeast-2")
    assert sydney.egress_gb == Decimal("0.114")
    assert sydney.source == "list prices of ap-southeast-2, 2026-08-21"
    assert tables.store_prices("aws", "mars-1").egress_gb == Decimal("0.09")
    google = tables.store_prices("gs")
    assert (google.egress_gb, google.month_usd(GB)) == (Decimal("0.12"), Decimal("0.020"))
    assert google.estimates
    assert tables.store_prices("az").classes[StorageClass.STANDARD].writes_1000 == Decimal("0.0055")


def test_what_nobody_sells_costs_nothing() -> None:
    free = tables.store_prices("")
    assert not free.egress_gb
    assert not free.month_usd(GB, StorageClass.DEEP)
