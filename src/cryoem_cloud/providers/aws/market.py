"""What AWS says today of its machine types and their prices, in one region."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from cryoem_cloud.model.answers import Answers, Part
from cryoem_cloud.model.errors import FormatError, ProviderError
from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.usd import usd
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.prices import listed

__all__ = ["ask", "specs", "spot"]

_MIB = 1024
_LEAST_VCPUS = 4
_WITH_GPUS = ("g*", "p*")
"""How AWS names families of machine types with GPUs, those of tomorrow too."""
_MAKER = "NVIDIA"
"""RELION's GPU code is CUDA."""
_LINUX = "Linux/UNIX"


def ask(
    calls: Calls, prices: Calls, part: Part, *, families: Collection[str], now: datetime
) -> Answers:
    """One part of what there is in the region of `calls`; `prices` are to one with the price list.

    Raises:
        ProviderError: AWS does not say, or says what we cannot read.
    """
    asked = {part: now.replace(microsecond=0)}
    try:
        return Answers(
            region=calls.region,
            asked=asked,
            specs=specs(calls, families) if part is Part.SPECS else {},
            on_demand=listed(prices, calls.region) if part is Part.ON_DEMAND else {},
            spot=spot(calls, now) if part is Part.SPOT else {},
        )
    except (AttributeError, KeyError, TypeError, ValueError, FormatError) as error:
        raise ProviderError(
            f"AWS's answer about {part.value} of {calls.region} is none that we can read: {error!r}"
        ) from error


def specs(calls: Calls, families: Collection[str]) -> dict[str, MachineType]:
    """The machine types in the region: of the families, and all with whole GPUs of NVIDIA's.

    Those for x86, from 4 vCPUs on, that are no bare metal.
    """
    filters = [
        {"Name": "instance-type", "Values": [*_WITH_GPUS, *(f"{name}.*" for name in families)]},
        {"Name": "processor-info.supported-architecture", "Values": ["x86_64"]},
        {"Name": "bare-metal", "Values": ["false"]},
    ]
    told = calls.pages("ec2", "describe_instance_types", "InstanceTypes", Filters=filters)
    kinds = (_kind(each) for each in told)
    return {
        kind.name: kind
        for kind in kinds
        if kind.vcpus >= _LEAST_VCPUS and (kind.gpus or kind.family in families)
    }


def spot(calls: Calls, now: datetime) -> dict[str, dict[str, Decimal]]:
    """What machine types cost on Spot now, by the ids of zones; names of zones are an account's."""
    told = calls.pages(
        "ec2",
        "describe_spot_price_history",
        "SpotPriceHistory",
        StartTime=now,
        ProductDescriptions=[_LINUX],
    )
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in told:
        place = (str(row["InstanceType"]), str(row["AvailabilityZoneId"]))
        if place not in newest or newest[place]["Timestamp"] < row["Timestamp"]:
            newest[place] = row
    found: dict[str, dict[str, Decimal]] = {}
    for (kind, zone), row in sorted(newest.items(), key=lambda each: each[0]):
        found.setdefault(kind, {})[zone] = usd(str(row["SpotPrice"]))
    return found


def _kind(told: Mapping[str, Any]) -> MachineType:
    """As DescribeInstanceTypes has it; the network is that of the card which our machines use."""
    card = told["NetworkInfo"].get("NetworkCards", [{}])[0]
    gpu = next(
        (
            each
            for each in told.get("GpuInfo", {}).get("Gpus", ())
            if each["Manufacturer"] == _MAKER and each["Count"] >= 1
        ),
        None,
    )
    return MachineType(
        name=str(told["InstanceType"]),
        vcpus=int(told["VCpuInfo"]["DefaultVCpus"]),
        threads_per_core=int(told["VCpuInfo"].get("DefaultThreadsPerCore", 2)),
        memory_gib=told["MemoryInfo"]["SizeInMiB"] / _MIB,
        gpu=str(gpu["Name"]) if gpu else "",
        gpus=int(gpu["Count"]) if gpu else 0,
        gpu_memory_gib=round(gpu["MemoryInfo"]["SizeInMiB"] / _MIB, 2) if gpu else 0.0,
        nvme_gb=int(told.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0)),
        network_gbps=float(card.get("PeakBandwidthInGbps", 0)),
        baseline_gbps=float(card.get("BaselineBandwidthInGbps", 0)),
    )
