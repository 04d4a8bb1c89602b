"""What a machine is launched as: a launch template's data."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.names import JOB, OWNER, PROJECT, STACK, TOKEN, role_of, tagged

__all__ = ["Image", "tags_for", "template_data"]

_SYSTEM_GIB = 30
"""Of an operating system with RELION's packages; the images' own are 8 GiB."""
_MOST_GIB = 16384
"""Of a gp3 volume (User guide of EBS); some regions have larger ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A machine image, what its root disk is called, and how large that is at least."""

    id: str
    root: str
    size_gib: int = 0


def tags_for(account: Account, order: Order) -> dict[str, str]:
    """The tags of all that an order makes."""
    return {
        **account.tags,
        STACK: account.stack,
        PROJECT: order.project,
        JOB: f"{order.job:08d}",
        TOKEN: order.token,
        OWNER: order.owner,
        "Name": f"cryoem {order.token}",
    }


def template_data(
    account: Account,
    order: Order,
    *,
    image: Image,
    user_data: str,
    own_gib: float = 0.0,
    door: str = "",
) -> Mapping[str, Any]:
    """The data: IMDSv2 alone, shutdown ends the machine, its disk goes with it, no key, no secret.

    A hop limit of 1 keeps containers on the machine from its credentials. The work has room on the
    root volume, unless the machine's own disks hold it, which have `own_gib`. `door` is the
    security group that lets the submitter in ("": nobody is let in).
    """
    tags = tagged(tags_for(account, order))
    work_gib = 0 if own_gib >= order.disk_gib else order.disk_gib
    return {
        "ImageId": image.id,
        "InstanceType": order.offer.kinds[0],
        "IamInstanceProfile": {"Name": role_of(account.stack, account.region, order.project)},
        "SecurityGroupIds": [account.security_group, *filter(None, (door,))],
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 1,
        },
        "BlockDeviceMappings": [
            {
                "DeviceName": image.root,
                "Ebs": {
                    "VolumeSize": min(max(_SYSTEM_GIB, image.size_gib) + work_gib, _MOST_GIB),
                    "VolumeType": "gp3",
                    "Encrypted": True,
                    "DeleteOnTermination": True,
                },
            }
        ],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")
        ],
        "UserData": base64.b64encode(user_data.encode()).decode("ascii"),
    }
