"""The machine images that every account sees, and the SSM parameters that name them.

A few of today's, with the names that their makers give; moto's own are many, old, and slow to load.
An image has another id in each region.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from unittest.mock import patch

from moto.ec2.models.amis import Ami, AmiBackend
from moto.ssm.models import Parameter, ParameterDict

__all__ = ["IMAGES", "Image", "images_installed"]

_MADE = datetime(2025, 6, 10)  # noqa: DTZ001  # moto's instants are naive UTC


@dataclass(frozen=True, slots=True)
class Image:
    """A public machine image."""

    name: str
    owner: str
    architecture: str
    root: str
    parameter: str

    def id_in(self, region: str) -> str:
        """Its id in a region."""
        return f"ami-{hashlib.sha256(f'{self.name} {region}'.encode()).hexdigest()[:17]}"


# Owners, names and parameters: from memory of the makers' documentation (Canonical, Debian, AWS).
_UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current"
_DEBIAN = "/aws/service/debian/release/12/latest"
_LEARNING = "/aws/service/deeplearning/ami"
# The format is AWS's ("Finding the ID of a DLAMI", DLAMI developer guide).
_AMAZON = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default"
IMAGES = tuple(
    image
    for ours, theirs in (("x86_64", "amd64"), ("arm64", "arm64"))
    for image in (
        Image(
            f"ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{theirs}-server-20250610",
            "099720109477",
            ours,
            "/dev/sda1",
            f"{_UBUNTU}/{theirs}/hvm/ebs-gp3/ami-id",
        ),
        Image(
            f"debian-12-{theirs}-20250610-2139",
            "136693071363",
            ours,
            "/dev/xvda",
            f"{_DEBIAN}/{theirs}",
        ),
        Image(
            f"al2023-ami-2023.7.20250609.0-kernel-6.1-{ours}",
            "137112412989",
            ours,
            "/dev/xvda",
            f"{_AMAZON}-{ours}",
        ),
        Image(
            f"Deep Learning {ours} Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20250610",
            "137112412989",
            ours,
            "/dev/sda1",
            f"{_LEARNING}/{ours}/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id",
        ),
    )
)


@contextmanager
def images_installed() -> Iterator[None]:
    """As long as this lasts, moto knows these images and no others."""
    with (
        patch.object(AmiBackend, "_load_amis", _load),
        patch.object(ParameterDict, "_check_loading_status", _load_parameters),
    ):
        yield


def _load(backend: AmiBackend) -> None:
    region = str(vars(backend)["region_name"])
    for image in IMAGES:
        made = Ami(
            backend,
            image.id_in(region),
            name=image.name,
            description=image.name,
            owner_id=image.owner,
            owner_alias="amazon" if image.owner == "137112412989" else None,
            public=True,
            virtualization_type="hvm",
            architecture=image.architecture,
            creation_date=_MADE,
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name=image.root,
        )
        backend.amis[made.id] = made


def _load_parameters(known: ParameterDict, key: str) -> None:
    for image in IMAGES:
        if str(key or "").startswith("/aws/service/") and not dict.get(known, image.parameter):
            value = image.id_in(known.region_name)
            dict.setdefault(known, image.parameter, []).append(_parameter(known, image, value))


def _parameter(known: ParameterDict, image: Image, value: str) -> Parameter:
    return Parameter(  # type: ignore[abstract]  # as moto makes it
        account_id=known.account_id,
        name=image.parameter,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=datetime.now(UTC),
        version=1,
        data_type="text",
    )
