"""What tests of the simulated AWS ask it with."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

__all__ = ["Client", "Connect", "code_of", "states"]

Client = Any
Connect = Callable[..., Client]


def states(ec2: Client, ids: list[str]) -> list[str]:
    """What EC2 says of the instances."""
    shown = ec2.describe_instances(InstanceIds=ids)["Reservations"]
    found = {each["InstanceId"]: each for one in shown for each in one["Instances"]}
    return [str(found[each]["State"]["Name"]) for each in ids]


def code_of(error: ClientError) -> str:
    """AWS's code of an error."""
    return str(error.response["Error"]["Code"])
