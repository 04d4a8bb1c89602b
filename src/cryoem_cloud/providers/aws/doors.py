"""A job's own way in: a security group that opens port 22 to its submitter's address alone.

Each step can be done again by anybody, in this order: make the group, take away what EC2 lets out
of a new one, open the port. The stack's own group, which lets HTTPS out, stays as it is.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cryoem_cloud.model.door import Door
from cryoem_cloud.model.errors import ProviderError, ProviderUnreachableError
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.names import tagged
from cryoem_cloud.providers.aws.template import tags_for

__all__ = ["make_door", "remove_door", "shut_door"]

Group = Mapping[str, Any]

_SSH = 22
_GONE = ("InvalidGroup.NotFound", "InvalidGroupId.Malformed")
_IN_USE = ("DependencyViolation", "InvalidGroup.InUse")
_NO_RULE = ("InvalidPermission.NotFound", *_GONE)


def make_door(calls: Calls, account: Account, order: Order, door: Door) -> str:
    """See to it that the order's security group lets in who the door is for; its id.

    Raises:
        ProviderError: It cannot be made.
    """
    network = _network(calls, account)
    with suppress(Refused):
        calls.ask(
            "ec2",
            "create_security_group",
            expected=("InvalidGroup.Duplicate",),
            GroupName=_name(order.token),
            Description="cryoem: ssh from the submitter of the job alone",
            VpcId=network,
            TagSpecifications=[
                {"ResourceType": "security-group", "Tags": tagged(tags_for(account, order))}
            ],
        )
    made = _found(calls, _name(order.token), network)
    if made["IpPermissionsEgress"]:
        with suppress(Refused):
            calls.ask(
                "ec2",
                "revoke_security_group_egress",
                expected=_NO_RULE[:1],
                GroupId=made["GroupId"],
                IpPermissions=made["IpPermissionsEgress"],
            )
    if not made["IpPermissions"]:
        with suppress(Refused):
            calls.ask(
                "ec2",
                "authorize_security_group_ingress",
                expected=("InvalidPermission.Duplicate",),
                GroupId=made["GroupId"],
                IpPermissions=[_rule(door)],
            )
    return str(made["GroupId"])


def shut_door(calls: Calls, group: Group) -> None:
    """See to it that nobody is let in any more; who is inside stays until the machine ends."""
    if not group["IpPermissions"]:
        return
    with suppress(Refused):
        calls.ask(
            "ec2",
            "revoke_security_group_ingress",
            expected=_NO_RULE,
            GroupId=group["GroupId"],
            IpPermissions=group["IpPermissions"],
        )


def remove_door(calls: Calls, group: Group) -> None:
    """Shut it, and remove it unless a machine has it still: then it is to be done again later."""
    shut_door(calls, group)
    with suppress(Refused):
        calls.ask(
            "ec2",
            "delete_security_group",
            expected=(*_GONE, *_IN_USE),
            GroupId=group["GroupId"],
        )


def _network(calls: Calls, account: Account) -> str:
    """The VPC of the stack.

    Raises:
        ProviderError: Its security group is gone.
    """
    filters = [{"Name": "group-id", "Values": [account.security_group]}]
    found = list(calls.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters))
    if not found:
        raise ProviderError(
            f"the stack's security group {account.security_group} is gone",
            hint="cryoem aws setup, then cryoem aws join",
        )
    return str(found[0]["VpcId"])


def _name(token: str) -> str:
    """Of the group; none may begin with `sg-` (API reference, CreateSecurityGroup)."""
    return f"cryoem-{token}"


def _found(calls: Calls, name: str, network: str) -> Group:
    filters = [
        {"Name": "group-name", "Values": [name]},
        {"Name": "vpc-id", "Values": [network]},
    ]
    found = list(calls.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters))
    if not found:
        raise ProviderUnreachableError(
            "AWS does not show the job's new security group yet", hint="it is tried again"
        )
    return found[0]


def _rule(door: Door) -> dict[str, Any]:
    said = {"Description": "ssh for the submitter of the job"}
    ranges = (
        {"Ipv6Ranges": [{"CidrIpv6": door.network, **said}]}
        if door.is_ipv6
        else {"IpRanges": [{"CidrIp": door.network, **said}]}
    )
    return {"IpProtocol": "tcp", "FromPort": _SSH, "ToPort": _SSH, **ranges}
