"""The package's tables, read when they are first asked for."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.machine_type import Listing, MachineType, Price
from cryoem_cloud.model.storage_prices import FREE, ClassPrices, StorageClass, StoragePrices
from cryoem_cloud.model.usd import ZERO

__all__ = [
    "DAY",
    "DAY_2017",
    "REGIONS",
    "STORAGE_DAY",
    "kinds",
    "listings",
    "listings_2017",
    "storage_prices",
    "store_prices",
    "unknown_region",
]

DAY = "2026-07-05"
"""Of the machine types and their prices."""
STORAGE_DAY = "2026-08-21"
"""Of what stores and disks cost."""
DAY_2017 = "2017-11-12"
"""Of the prices that the published comparison was made with."""
REGIONS = (
    *("us-west-2", "us-east-1", "us-east-2", "eu-west-1", "ap-southeast-2"),  # the original's
    *("eu-central-1", "eu-west-2", "ap-northeast-1"),
)
"""Those that the tables have prices of."""
_HERE = Path(__file__).parent
_CLOUDS = {"gs": "us-central1", "az": "eastus"}
"""The region whose prices stand for all of another seller's."""
_ELSEWHERE = "us-east-1"
"""What a region has no row for in the table of storage prices costs as much as here."""


@cache
def kinds() -> Mapping[str, MachineType]:
    """The machine types, by name, each family from small to large."""
    return {row["machine_type"]: _kind(row) for row in _rows("machine_types.csv")}


@cache
def listings(region: str) -> tuple[Listing, ...]:
    """What is sold in a region.

    Raises:
        UsageError: The tables do not have it.
    """
    if region not in REGIONS:
        raise unknown_region(region)
    return tuple(_listing(row, region) for row in _rows("prices", f"{region}.csv"))


@cache
def listings_2017() -> tuple[Listing, ...]:
    """What the published comparison could rent, in all regions of that day; Spot is not known."""
    return tuple(_listing(row, row["region"]) for row in _rows("prices_2017.csv"))


@cache
def storage_prices(region: str) -> StoragePrices:
    """Of a region.

    Raises:
        UsageError: The tables do not have it.
    """
    if region not in REGIONS:
        raise unknown_region(region)
    found: dict[tuple[str, str], Decimal] = {}
    estimates: set[str] = set()
    for row in sorted(_rows("storage.csv"), key=lambda row: row["region"] != _ELSEWHERE):
        if row["region"] in {_ELSEWHERE, region}:
            what = (row["what"], row["per"])
            found[what] = Decimal(row["usd"])
            certain = row["source"] == "list" and row["region"] == region
            estimates = estimates - {" ".join(what)} if certain else estimates | {" ".join(what)}
    return StoragePrices(
        region=region,
        classes={each: _class(found, each.value) for each in StorageClass},
        gp3_gb_month=found["gp3", "GB-month"],
        snapshot_gb_month=found["snapshot", "GB-month"],
        to_internet=tuple(_steps(found)),
        to_regions_gb=found["other regions", "GB"],
        to_zones_gb=found["other zones", "GB"],
        address_hour=found["address", "hour"],
        estimates=frozenset(estimates),
        source=f"list prices of {region}, {STORAGE_DAY}",
    )


@cache
def store_prices(sold_by: str, region: str = "") -> StoragePrices:
    """Of a store that is sold so (`ports.store.Properties`); of a region without a row the first's.

    Of Google's and Azure's there is what a store costs, in one region of each.
    """
    if sold_by == "aws":
        return storage_prices(region if region in REGIONS else _ELSEWHERE)
    if sold_by not in _CLOUDS:
        return FREE
    where = _CLOUDS[sold_by]
    rows = [row for row in _rows("storage.csv") if row["region"] == where]
    found = {(row["what"], row["per"]): Decimal(row["usd"]) for row in rows}
    return replace(
        FREE,
        region=where,
        classes={StorageClass.STANDARD: _class(found, StorageClass.STANDARD.value)},
        to_internet=tuple(_steps(found)),
        estimates=frozenset(" ".join(what) for what in found),
        source=f"list prices of {sold_by}:// in {where}, {STORAGE_DAY}",
    )


def unknown_region(region: str) -> UsageError:
    """What to say of a region that the tables do not have."""
    return UsageError(
        f"there are no prices of the region {region!r}",
        hint=f"known are {', '.join(REGIONS)}; cryoem offers refresh --region REGION asks AWS",
    )


def _class(found: Mapping[tuple[str, str], Decimal], name: str) -> ClassPrices:
    return ClassPrices(
        gb_month=found[name, "GB-month"],
        writes_1000=found[name, "1000 writes"],
        reads_1000=found[name, "1000 reads"],
        read_gb=found.get((name, "GB read"), ZERO),
        bulk_reads_1000=found.get((name, "1000 reads in bulk"), ZERO),
        bulk_read_gb=found.get((name, "GB read in bulk"), ZERO),
    )


def _steps(found: Mapping[tuple[str, str], Decimal]) -> Iterator[tuple[int | None, Decimal]]:
    for (what, per), usd in found.items():
        if what == "internet":
            end = per.rpartition(" ")[2]
            yield (int(end) if end.isdigit() else None), usd


def _kind(row: Mapping[str, str]) -> MachineType:
    return MachineType(
        name=row["machine_type"],
        vcpus=int(row["vcpus"]),
        threads_per_core=int(row["threads_per_core"]),
        memory_gib=float(row["memory_gib"]),
        processor=row["processor"],
        gpu=row["gpu"],
        gpus=int(row["gpus"] or 0),
        gpu_memory_gib=float(row["gpu_memory_gib"] or 0),
        nvme_gb=int(row["nvme_gb"] or 0),
        network_gbps=float(row["network_gbps"]),
        baseline_gbps=float(row["baseline_gbps"]),
    )


def _listing(row: Mapping[str, str], region: str) -> Listing:
    on_demand, spot, one, three = (
        Decimal(row[name]) if row.get(name) else None
        for name in ("on_demand", "spot", "reserved_1y", "reserved_3y")
    )
    price = Price(on_demand=on_demand, spot=spot, reserved_1y=one, reserved_3y=three)
    return Listing(kind=kinds()[row["machine_type"]], region=region, price=price)


def _rows(*path: str) -> Iterator[dict[str, str]]:
    with _HERE.joinpath(*path).open(encoding="utf-8", newline="") as table:
        yield from csv.DictReader(table)
