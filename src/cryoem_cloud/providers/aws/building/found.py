"""The images that were built for a stack, in its region and where they were copied to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.usd import cents
from cryoem_cloud.providers.aws.building.taking import removed
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.names import BASE, BUILDS, HOME, RELION, STACK, tags_of
from cryoem_cloud.providers.aws.stack.outputs import bucket_and_folder

__all__ = ["Found", "built", "built_here", "note_copy", "remove"]

_REGIONS = f"{BUILDS}/regions/"
"""Below this the store has an empty object for each region to which an image was ever copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An image."""

    name: str
    region: str
    id: str
    base: str
    made: str
    size_gib: int
    relion: str
    architecture: str
    state: str
    snapshots: tuple[str, ...]

    def usd(self, snapshot_gb_month: Decimal) -> Decimal:
        """USD a month at most, as only blocks that were written count."""
        return self.size_gib * snapshot_gb_month

    def to_json(self, snapshot_gb_month: Decimal) -> dict[str, JSON]:
        """For programs."""
        return {
            "name": self.name,
            "region": self.region,
            "id": self.id,
            "base": self.base,
            "made": self.made,
            "size_gib": self.size_gib,
            "relion": self.relion,
            "architecture": self.architecture,
            "state": self.state,
            "snapshots": list(self.snapshots),
            "most_usd_per_month": float(cents(self.usd(snapshot_gb_month))),
        }


def built(calls: Calls, stack: str, store: str) -> Iterator[Found]:
    """All images of the stack in the region of `calls`, and their copies in other regions.

    The stack's store says where there are copies ("": there is no store, and none is looked for).
    """
    for region in (calls.region, *(_copied_to(calls, store) if store else ())):
        yield from built_here(calls.elsewhere(region), stack, calls.region)


def note_copy(calls: Calls, store: str, region: str) -> None:
    """Have it known that there may be copies in a region; called before one is made."""
    bucket, folder = bucket_and_folder(store)
    calls.ask("s3", "put_object", Bucket=bucket, Key=f"{folder}/{_REGIONS}{region}", Body=b"")


def built_here(calls: Calls, stack: str, home: str) -> tuple[Found, ...]:
    """Those in one region that the stack in region `home` built; not those of a namesake's."""
    filters = [{"Name": f"tag:{STACK}", "Values": [stack]}]
    found = calls.ask("ec2", "describe_images", Owners=["self"], Filters=filters)["Images"]
    tags = [tags_of(each.get("Tags", ())) for each in found]
    return tuple(
        _found(each, own, calls.region)
        for each, own in zip(found, tags, strict=True)
        if own.get(HOME, calls.region) == home
    )


def remove(calls: Calls, stack: str, store: str, image: str) -> Found:
    """See to it that an image of the stack is not there, with its snapshots; what was removed.

    Raises:
        NotFoundError: The stack has no such image.
    """
    for found in built(calls, stack, store):
        if found.id == image:
            removed(calls.elsewhere(found.region), found.id, found.snapshots)
            return found
    raise NotFoundError(
        f"no image {image} was built for the stack {stack} in {calls.region}",
        hint="cryoem aws image ls",
    )


def _copied_to(calls: Calls, store: str) -> tuple[str, ...]:
    bucket, folder = bucket_and_folder(store)
    prefix = f"{folder}/{_REGIONS}"
    try:
        found = calls.ask(
            "s3", "list_objects_v2", expected=("NoSuchBucket",), Bucket=bucket, Prefix=prefix
        )
    except Refused:
        return ()
    return tuple(str(each["Key"]).removeprefix(prefix) for each in found.get("Contents", ()))


def _found(image: Mapping[str, Any], tags: Mapping[str, str], region: str) -> Found:
    disks = [each["Ebs"] for each in image.get("BlockDeviceMappings", ()) if "Ebs" in each]
    return Found(
        name=tags.get("Name", str(image.get("Name", ""))),
        region=region,
        id=str(image["ImageId"]),
        base=tags.get(BASE, ""),
        made=str(image.get("CreationDate", "")),
        size_gib=sum(int(disk.get("VolumeSize", 0)) for disk in disks),
        relion=tags.get(RELION, ""),
        architecture=str(image.get("Architecture", "")),
        state=str(image.get("State", "")),
        snapshots=tuple(str(disk["SnapshotId"]) for disk in disks if "SnapshotId" in disk),
    )
