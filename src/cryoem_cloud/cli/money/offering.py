"""How offers look: a table of at most 100 columns, or JSON."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from cryoem_cloud.cli.showing import table
from cryoem_cloud.model.machine_type import Listing, MachineType
from cryoem_cloud.model.record import JSON
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.catalog.views import Sale, Unit, in_order, per

__all__ = ["asked_json", "offers_as_json", "offers_table"]

_TB = 1000
_DIGITS = {Unit.MACHINE: Decimal("0.001"), Unit.VCPU: Decimal("0.0001"), Unit.GPU: Decimal("0.001")}
_OF = {Unit.MACHINE: "a machine", Unit.VCPU: "a vCPU", Unit.GPU: "a GPU"}
_HEADS = {
    Sale.ON_DEMAND: "ON-DEMAND",
    Sale.SPOT: "SPOT",
    Sale.RESERVED_1Y: "1 YEAR",
    Sale.RESERVED_3Y: "3 YEARS",
}


def offers_table(catalogue: Catalogue, unit: Unit) -> str:
    """Of when, where and of what; then machine types and prices, each of the unit."""
    several = len(catalogue.regions) > 1
    where = f"{len(catalogue.regions)} regions" if several else "".join(catalogue.regions)
    said = [f"US dollars for an hour of {_OF[unit]} in {where}", f"prices {catalogue.stamp}"]
    head = ["MACHINE", *(["REGION"] if several else []), "GPUS", "VCPU", "GIB"]
    head += [*([] if several else ["OWN TB", "GB/S"]), *_HEADS.values()]
    rows = [_row(each, unit, several=several) for each in in_order(catalogue, unit)]
    return "\n".join([*said, table(*_to_the_right(head, rows, first=3 if several else 2))])


def offers_as_json(catalogue: Catalogue, unit: Unit) -> dict[str, JSON]:
    """All of it, for programs; amounts are texts, so that none is rounded on its way."""
    return {
        "snapshot": catalogue.day,
        "asked": asked_json(catalogue),
        "currency": "USD",
        "offers": [_fields(each) for each in in_order(catalogue, unit)],
    }


def _row(listing: Listing, unit: Unit, *, several: bool) -> list[str]:
    kind = listing.kind
    has = [_gpus(kind), str(kind.vcpus), f"{kind.memory_gib:g}"]
    more = [f"{kind.nvme_gb / _TB:.1f}" if kind.nvme_gb else "-", _rate(kind)]
    prices = [_amount(per(unit, sale, listing), unit) for sale in _HEADS]
    region = [listing.region] if several else []
    return [kind.name, *region, *has, *([] if several else more), *prices]


def _gpus(kind: MachineType) -> str:
    """With the GiB of each. AWS calls one RTX PRO Server 6000; its maker, and people, shorter."""
    model = kind.gpu.replace(" Server", "")
    return f"{kind.gpus} {model} {kind.gpu_memory_gib:.0f}G" if kind.gpus else "-"


def _rate(kind: MachineType) -> str:
    """Gigabytes a second of the network: at all times, and for a while."""
    always, burst = (f"{gbps / 8:.1f}" for gbps in (kind.baseline_gbps, kind.network_gbps))
    return always if always == burst else f"{always}-{burst}"


def _amount(usd: Decimal | None, unit: Unit) -> str:
    return "-" if usd is None else str(usd.quantize(_DIGITS[unit], ROUND_HALF_UP))


def _to_the_right(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, first: int
) -> tuple[list[str], list[list[str]]]:
    """The columns of numbers, from the first one on, end in one line."""
    lines = [list(head), *(list(row) for row in rows)]
    for column in range(first, len(head)):
        width = max(len(line[column]) for line in lines)
        for line in lines:
            line[column] = line[column].rjust(width)
    return lines[0], lines[1:]


def _fields(listing: Listing) -> dict[str, JSON]:
    kind = listing.kind
    return {
        "machine_type": kind.name,
        "region": listing.region,
        "vcpus": kind.vcpus,
        "cores": kind.cores,
        "memory_gib": kind.memory_gib,
        "processor": kind.processor,
        "gpu": kind.gpu,
        "gpus": kind.gpus,
        "gpu_memory_gib": kind.gpu_memory_gib,
        "nvme_gb": kind.nvme_gb,
        "network_gbps": kind.network_gbps,
        "baseline_gbps": kind.baseline_gbps,
        "usd_per_hour": _prices(listing, Unit.MACHINE),
        "usd_per_vcpu_hour": _prices(listing, Unit.VCPU),
        "usd_per_gpu_hour": _prices(listing, Unit.GPU),
        "spot_usd_per_hour_by_zone": {
            zone: str(usd) for zone, usd in sorted(listing.price.zones.items())
        },
    }


def _prices(listing: Listing, unit: Unit) -> dict[str, JSON]:
    """None where it is not sold so."""
    found = {sale.value: per(unit, sale, listing) for sale in Sale}
    return {
        name: None if usd is None else str(usd if unit is Unit.MACHINE else round(usd, 6))
        for name, usd in found.items()
    }


def asked_json(catalogue: Catalogue) -> dict[str, JSON]:
    """By region, when AWS itself told what, for programs."""
    return {
        region: {part.value: f"{at:%Y-%m-%dT%H:%M:%SZ}" for part, at in parts.items()}
        for region, parts in catalogue.asked.items()
    }
