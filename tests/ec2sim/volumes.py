"""The volumes that an instance is launched with."""

from collections.abc import Mapping
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance

from tests.ec2sim.built import root_size
from tests.ec2sim.refusals import Refusal

__all__ = ["attach_volumes"]

_ROOT_GIB = 8
_GP3_IOPS = 3000
_GP3_MIB_PER_SECOND = 125


def attach_volumes(
    backend: EC2Backend, record: Instance, wanted: Mapping[str, Any], tags: Mapping[str, str]
) -> None:
    """Make and attach the root volume, and those of the block device mappings."""
    mappings = {each["DeviceName"]: each for each in wanted.get("BlockDeviceMappings", [])}
    root = mappings.pop(record.root_device_name, {})
    least = root_size(backend, str(record.image_id))
    size = root.get("Ebs", {}).get("VolumeSize")
    if size and int(size) < least:
        raise Refusal(
            "InvalidBlockDeviceMapping",
            f"Volume of size {size}GB is smaller than snapshot, expect size >= {least}GB",
        )
    _attach(backend, record, root.get("Ebs", {}), root=True, tags=tags)
    for device, mapping in mappings.items():
        if "NoDevice" in mapping or "VirtualName" in mapping:
            continue
        if "Ebs" not in mapping:
            raise Refusal("MissingParameter", "The request must contain the parameter ebs")
        _attach(backend, record, mapping["Ebs"], root=False, tags=tags, device=device)


def _attach(
    backend: EC2Backend,
    record: Instance,
    ebs: Mapping[str, Any],
    *,
    root: bool,
    tags: Mapping[str, str],
    device: str = "",
) -> None:
    size = ebs.get("VolumeSize") or (
        (root_size(backend, str(record.image_id)) or _ROOT_GIB) if root else None
    )
    if size is None and not ebs.get("SnapshotId"):
        raise Refusal(
            "MissingParameter", "The request must contain the parameter size or snapshotId"
        )
    kind = ebs.get("VolumeType", "gp2")
    if ebs.get("Throughput") and kind != "gp3":
        raise Refusal("InvalidParameterCombination", "The parameter throughput needs gp3")
    volume = backend.create_volume(
        size=int(size or 0) or None,  # type: ignore[arg-type]  # of a snapshot: its own
        zone_name=str(record.placement.zone),
        snapshot_id=ebs.get("SnapshotId"),
        encrypted=bool(ebs.get("Encrypted")),
        kms_key_id=ebs.get("KmsKeyId"),
        volume_type=kind,
        iops=ebs.get("Iops") or (_GP3_IOPS if kind == "gp3" else None),
        throughput=ebs.get("Throughput") or (_GP3_MIB_PER_SECOND if kind == "gp3" else None),
    )
    backend.attach_volume(
        volume.id,
        record.id,
        device or record.root_device_name,
        bool(ebs.get("DeleteOnTermination", root)),
    )
    volume.add_tags(dict(tags))
