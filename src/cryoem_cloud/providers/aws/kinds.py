"""Machine types as AWS describes them, and where it has them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.providers.aws.calls import Calls

__all__ = ["architecture_of", "described", "own_disk_gib", "shape_of", "subnets_with"]

_MIB = 1024.0
_GB_A_GIB = 1.073741824


def described(calls: Calls, kind: str) -> Mapping[str, Any]:
    """What AWS says of a machine type.

    Raises:
        ProviderError: The region has no such type.
    """
    filters = [{"Name": "instance-type", "Values": [kind]}]
    found = tuple(calls.pages("ec2", "describe_instance_types", "InstanceTypes", Filters=filters))
    if not found:
        raise ProviderError(
            f"{calls.region} has no machine type {kind}",
            hint="aws.amazon.com/ec2/instance-types lists them, for example g6e.xlarge",
        )
    return found[0]


def architecture_of(kind: Mapping[str, Any]) -> str:
    """`x86_64` or `arm64`."""
    known = kind["ProcessorInfo"]["SupportedArchitectures"]
    return "arm64" if "arm64" in known else "x86_64"


def shape_of(kind: Mapping[str, Any]) -> Shape:
    """A machine of that type, with its cores (not hyperthreads), memory and GPUs."""
    gpus = kind.get("GpuInfo", {}).get("Gpus", ())
    cores = kind["VCpuInfo"]
    return Shape(
        cores=int(cores.get("DefaultCores") or cores["DefaultVCpus"]),
        memory_gib=kind["MemoryInfo"]["SizeInMiB"] / _MIB,
        gpus=sum(int(each["Count"]) for each in gpus),
    )


def own_disk_gib(kind: Mapping[str, Any]) -> float:
    """What the disks of the instance store hold together, in GiB; 0 where there are none."""
    return float(kind.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0)) / _GB_A_GIB


def subnets_with(calls: Calls, kinds: Sequence[str], subnets: Sequence[str]) -> tuple[str, ...]:
    """Those of the subnets whose zone has at least one of the types.

    Raises:
        ProviderError: None has.
    """
    offered = calls.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": list(kinds)}],
    )
    zones = {str(each["Location"]) for each in offered}
    found = calls.ask("ec2", "describe_subnets", SubnetIds=list(subnets))["Subnets"]
    fit = tuple(str(each["SubnetId"]) for each in found if each["AvailabilityZone"] in zones)
    if not fit:
        raise ProviderError(
            f"no zone of {calls.region} that the stack has a subnet in has {' or '.join(kinds)}",
            hint="choose another machine type (--machine)",
        )
    return fit
