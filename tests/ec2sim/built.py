"""Machine images that an account makes of its machines, and copies of them in other regions.

moto's are there at once, all 15 GB large, and have no snapshot's tags.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.amis import Ami

from tests.ec2sim.clock import Clock
from tests.ec2sim.instances import Kept
from tests.ec2sim.refusals import NotSimulatedError, Refusal

__all__ = ["Built", "copied", "root_size", "taken"]

_TAKEN_SECONDS = 300.0
_COPIED_SECONDS = 600.0
_KINDS = frozenset({"image", "snapshot"})


class Built(Ami):
    """An image of the account's own, as large as its disk was: `pending`, then `available`."""

    size = 0
    encrypted = False

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        """Its one disk."""
        (mapping,) = super().block_device_mappings
        mapping["Ebs"] |= {"VolumeSize": self.size, "Encrypted": self.encrypted}
        return [mapping]


def taken(backend: EC2Backend, kept: Kept, asked: Mapping[str, Any], clock: Clock) -> Built:
    """The image of a machine that goes on running.

    Raises:
        Refusal: As CreateImage refuses.
    """
    if not asked.get("NoReboot"):
        raise NotSimulatedError("CreateImage that reboots the machine")
    if kept.state not in {"running", "stopped"}:
        raise Refusal("IncorrectState", f"Instance '{kept.id}' is not 'running' or 'stopped'.")
    base = backend.amis[kept.image]
    image = _made(backend, asked, clock, _TAKEN_SECONDS, like=base)
    image.instance_id = kept.id
    image.size, image.encrypted = _root_of(backend, kept)
    return image


def copied(backend: EC2Backend, asked: Mapping[str, Any], clock: Clock) -> Built:
    """A copy, in this region, of another one's image.

    Raises:
        Refusal: As CopyImage refuses.
    """
    source = ec2_backends[backend.account_id][asked["SourceRegion"]].amis.get(
        asked["SourceImageId"]
    )
    if not isinstance(source, Built) or source.state != "available":
        raise Refusal(
            "InvalidAMIID.Unavailable", f"The image ID '{asked['SourceImageId']}' is not available"
        )
    image = _made(backend, asked, clock, _COPIED_SECONDS, like=source)
    image.size, image.encrypted = source.size, source.encrypted or bool(asked.get("Encrypted"))
    return image


def root_size(backend: EC2Backend, image_id: str) -> int:
    """How many GiB a root disk of an image has at least, where it is one of these; else 0."""
    image = backend.amis.get(image_id)
    return image.size if isinstance(image, Built) else 0


def _root_of(backend: EC2Backend, kept: Kept) -> tuple[int, bool]:
    for volume in backend.volumes.values():
        at = volume.attachment
        if at and at.instance.id == kept.id and at.device == kept.record.root_device_name:
            return int(volume.size), bool(volume.encrypted)
    raise LookupError(f"{kept.id} has no root disk")


def _made(
    backend: EC2Backend, asked: Mapping[str, Any], clock: Clock, seconds: float, *, like: Ami
) -> Built:
    if any(
        each.name == asked["Name"] and isinstance(each, Built) for each in backend.amis.values()
    ):
        raise Refusal(
            "InvalidAMIName.Duplicate", f"AMI name {asked['Name']} is already in use by another AMI"
        )
    image = Built(
        backend,
        _id_of(asked["Name"], backend.region_name),
        source_ami=like,
        name=asked["Name"],
        description=asked.get("Description", ""),
        state="pending",
        root_device_name=like.root_device_name,
        root_device_type="ebs",
    )
    for kind, tags in _tags(asked.get("TagSpecifications", ())).items():
        (image if kind == "image" else image.ebs_snapshot).add_tags(tags)
    backend.amis[image.id] = image

    def ready() -> None:
        image.state = "available"

    clock.after(seconds, ready)
    return image


def _id_of(name: str, region: str) -> str:
    return f"ami-{hashlib.sha256(f'{name} {region}'.encode()).hexdigest()[:17]}"


def _tags(specifications: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for each in specifications:
        if each["ResourceType"] not in _KINDS:
            raise Refusal(
                "InvalidParameterValue",
                f"'{each['ResourceType']}' is not a valid taggable resource",
            )
        found[each["ResourceType"]] = {tag["Key"]: tag["Value"] for tag in each["Tags"]}
    return found
