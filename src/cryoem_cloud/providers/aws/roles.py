"""The role of a project's machines: made by the first courier that needs it."""

import json

from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.names import PROJECT, STACK, path_of, role_of, tagged

__all__ = ["make_role"]

_EXISTS = ("EntityAlreadyExists", "EntityAlreadyExistsException")
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def make_role(calls: Calls, account: Account, project: str) -> None:
    """See to it that machines of the project have a role, which reaches that project alone.

    Four calls for a new project, one where the profile has its role already.

    Raises:
        ProviderError: It cannot be made.
    """
    name, path = role_of(account.stack, account.region, project), path_of(account.stack)
    if _complete(calls, name):
        return
    tags = tagged({**account.tags, STACK: account.stack, PROJECT: project})
    _make(
        calls,
        "create_role",
        RoleName=name,
        Path=path,
        AssumeRolePolicyDocument=json.dumps(_TRUST),
        PermissionsBoundary=account.boundary or account.machine_policy,
        Tags=tags,
    )
    calls.ask("iam", "attach_role_policy", RoleName=name, PolicyArn=account.machine_policy)
    _make(calls, "create_instance_profile", InstanceProfileName=name, Path=path, Tags=tags)
    try:
        calls.ask(
            "iam",
            "add_role_to_instance_profile",
            expected=("LimitExceeded", "LimitExceededException"),  # it has its one role
            InstanceProfileName=name,
            RoleName=name,
        )
    except Refused:
        return


def _complete(calls: Calls, name: str) -> bool:
    try:
        found = calls.ask(
            "iam",
            "get_instance_profile",
            expected=("NoSuchEntity", "NoSuchEntityException"),
            InstanceProfileName=name,
        )
    except Refused:
        return False
    return bool(found["InstanceProfile"]["Roles"])


def _make(calls: Calls, action: str, **asked: object) -> None:
    try:
        calls.ask("iam", action, expected=_EXISTS, **asked)
    except Refused:
        return
