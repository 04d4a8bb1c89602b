"""Which machine image machines begin with."""

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.template import Image

__all__ = ["image_for"]

_UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
"""Canonical's public parameter (documentation.ubuntu.com, "Find Ubuntu images on AWS")."""
_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


def image_for(calls: Calls, chosen: str, architecture: str) -> Image:
    """The image that was chosen, or ("") Ubuntu's newest 24.04 of an architecture.

    Raises:
        ProviderError: There is no such image, or it is for other processors.
    """
    image = chosen or _newest(calls, architecture)
    found = calls.ask("ec2", "describe_images", ImageIds=[image])["Images"]
    if not found:
        raise ProviderError(
            f"there is no machine image {image} in {calls.region}", hint="cryoem aws image ls"
        )
    if found[0]["Architecture"] != architecture:
        raise ProviderError(
            f"machine image {image} is for {found[0]['Architecture']}, the machine {architecture}",
            hint="choose another image or another machine type",
        )
    return Image(id=image, root=str(found[0]["RootDeviceName"]))


def _newest(calls: Calls, architecture: str) -> str:
    name = _UBUNTU.format(_ARCHITECTURES[architecture])
    return str(calls.ask("ssm", "get_parameter", Name=name)["Parameter"]["Value"])
