"""Takes the image of a builder, has it copied to other regions, and removes images."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cryoem_cloud.model.errors import ProviderError, ProviderUnreachableError
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.images import NO_IMAGE
from cryoem_cloud.providers.aws.names import tagged

__all__ = ["Taking", "removed"]

_POLL_S = 15.0
_MOST_POLLS = 480
"""Two hours: a first snapshot of a full disk, and a copy across the world, take long."""
_GONE = (*NO_IMAGE, "InvalidSnapshot.NotFound")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """One image, called `name` at AWS in each region, and tagged the same."""

    name: str
    tags: Mapping[str, str]
    sleep: Callable[[float], None]

    def take(self, calls: Calls, machine: str) -> str:
        """Begin to take the image of a machine, once; its id.

        The machine goes on: it has said that nothing is written any more, and is ended after this.
        """
        try:
            done = calls.ask(
                "ec2",
                "create_image",
                expected=("InvalidAMIName.Duplicate",),
                InstanceId=machine,
                Name=self.name,
                NoReboot=True,
                TagSpecifications=self._tagged(),
            )
        except Refused as refused:  # AWS had heard us, and we had not heard it
            return self.found(calls) or _never(refused.said)
        return str(done["ImageId"])

    def found(self, calls: Calls) -> str:
        """The id of the image in that region; "" where there is none of the name."""
        filters = [{"Name": "name", "Values": [self.name]}]
        found = calls.ask("ec2", "describe_images", Owners=["self"], Filters=filters)["Images"]
        return str(found[0]["ImageId"]) if found else ""

    def copy(self, calls: Calls, image: str, source: str) -> str:
        """Begin to copy an image from region `source`, once; the copy's id."""
        done = calls.ask(
            "ec2",
            "copy_image",
            Name=self.name,
            SourceImageId=image,
            SourceRegion=source,
            ClientToken=f"{self.name[-40:]} {calls.region}"[:64],
            Encrypted=True,
            TagSpecifications=self._tagged(),
        )
        return str(done["ImageId"])

    def wait(self, calls: Calls, image: str) -> None:
        """Wait until it can be used.

        Raises:
            ProviderError: It never can, or cannot after two hours.
        """
        for _ in range(_MOST_POLLS):
            with suppress(Refused, ProviderUnreachableError):  # not listed yet, or no network
                found = calls.ask("ec2", "describe_images", expected=NO_IMAGE, ImageIds=[image])
                for each in found["Images"]:
                    if each["State"] == "available":
                        return
                    if each["State"] != "pending":
                        why = each.get("StateReason", {}).get("Message", each["State"])
                        raise ProviderError(f"AWS could not make the image {image}: {why}")
            self.sleep(_POLL_S)
        raise ProviderError(
            f"the image {image} in {calls.region} is not ready after two hours",
            hint="cryoem aws image ls shows how it is",
        )

    def _tagged(self) -> list[dict[str, Any]]:
        tags = tagged(self.tags)
        return [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]


def removed(calls: Calls, image: str, snapshots: Iterable[str]) -> None:
    """See to it that an image and its snapshots are not there; what is gone is done."""
    with suppress(Refused):
        calls.ask("ec2", "deregister_image", expected=_GONE, ImageId=image)
    for snapshot in snapshots:
        with suppress(Refused):
            calls.ask("ec2", "delete_snapshot", expected=_GONE, SnapshotId=snapshot)


def _never(said: str) -> str:
    raise ProviderError(f"AWS takes no image: {said}", hint="call it again")
