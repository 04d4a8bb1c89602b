"""Which machine image machines begin with."""

from collections.abc import Mapping
from typing import Any

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.names import STACK
from cryoem_cloud.providers.aws.template import Image

__all__ = ["BASES", "NO_IMAGE", "base_image", "image_for"]

_UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current"
_AMAZON = "/aws/service/ami-amazon-linux-latest"
_GPU = "base-oss-nvidia-driver-gpu-ubuntu-24.04"
BASES: Mapping[str, str] = {
    "ubuntu": f"{_UBUNTU}/{{debian}}/hvm/ebs-gp3/ami-id",
    "debian": "/aws/service/debian/release/12/latest/{debian}",
    "amazon": f"{_AMAZON}/al2023-ami-kernel-default-{{ec2}}",
    "gpu": f"/aws/service/deeplearning/ami/{{ec2}}/{_GPU}/latest/ami-id",
}
"""Public parameters that name the newest image.

Sources: documentation.ubuntu.com, "Find Ubuntu images on AWS"; wiki.debian.org, Cloud/
AmazonEC2Image; EC2 user guide, "Reference the latest AMIs using Systems Manager public parameters";
DLAMI developer guide, "Finding the ID of a DLAMI" (gpu: Ubuntu 24.04 with NVIDIA's driver, CUDA,
Docker and NVIDIA's container toolkit).
"""
NO_IMAGE = ("InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable")
_DEBIANS = {"x86_64": "amd64", "arm64": "arm64"}
"""Debian's words, which are Ubuntu's, for what EC2 calls an architecture."""


def image_for(calls: Calls, account: Account, architecture: str, chosen: str = "") -> Image:
    """The image that was chosen, else the account's, else ("") Ubuntu's newest 24.04.

    What is chosen is an image's id, or the name of one that was built for the stack: its newest.

    Raises:
        ProviderError: There is no such image, or it is for other processors.
    """
    wanted = chosen or account.image
    if not wanted:
        return base_image(calls, "ubuntu", architecture)
    if wanted.startswith("ami-"):
        return _by_id(calls, wanted, architecture)
    return _built(calls, account.stack, wanted, architecture)


def base_image(calls: Calls, base: str, architecture: str) -> Image:
    """One of BASES, or an image by its id.

    Raises:
        ProviderError: As image_for.
    """
    if base not in BASES:
        return _by_id(calls, base, architecture)
    name = BASES[base].format(ec2=architecture, debian=_DEBIANS[architecture])
    found = str(calls.ask("ssm", "get_parameter", Name=name)["Parameter"]["Value"])
    return _by_id(calls, found, architecture)


def _by_id(calls: Calls, image: str, architecture: str) -> Image:
    try:
        found = calls.ask("ec2", "describe_images", expected=NO_IMAGE, ImageIds=[image])["Images"]
    except Refused:
        found = []
    if not found:
        raise ProviderError(
            f"there is no machine image {image} in {calls.region}", hint="cryoem aws image ls"
        )
    if found[0]["Architecture"] != architecture:
        raise ProviderError(
            f"machine image {image} is for {found[0]['Architecture']}, the machine {architecture}",
            hint="choose another image or another machine type",
        )
    return _image(found[0])


def _built(calls: Calls, stack: str, name: str, architecture: str) -> Image:
    wanted = {
        f"tag:{STACK}": stack,
        "tag:Name": name,
        "architecture": architecture,
        "state": "available",
    }
    filters = [{"Name": field, "Values": [value]} for field, value in wanted.items()]
    found = calls.ask("ec2", "describe_images", Owners=["self"], Filters=filters)["Images"]
    if not found:
        raise ProviderError(
            f"no machine image called {name} was built in {calls.region} for {architecture}",
            hint="cryoem aws image ls names those that were; ami-… names any other",
        )
    return _image(max(found, key=lambda each: str(each["CreationDate"])))


def _image(described: Mapping[str, Any]) -> Image:
    root = str(described["RootDeviceName"])
    sizes = [
        int(each["Ebs"].get("VolumeSize", 0))
        for each in described.get("BlockDeviceMappings", ())
        if each["DeviceName"] == root and "Ebs" in each
    ]
    return Image(id=str(described["ImageId"]), root=root, size_gib=max(sizes, default=0))
