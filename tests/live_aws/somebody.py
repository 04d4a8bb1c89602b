"""A user who has the policies that setup names and nothing else: a role, for as long as it lasts.

Nothing of it is written anywhere: its keys are temporary, and given to commands as variables.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cryoem_cloud.model.errors import ProviderDeniedError
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.names import STACK, path_of, tagged
from tests.live_aws.report import FailedError

__all__ = ["Somebody", "somebody"]

_PATIENCE_S = 90.0
_LOOK_S = 3.0

Env = Mapping[str, str]
Somebody = tuple[str, Env]
"""The role's ARN, and its credentials as variables."""


@contextmanager
def somebody(calls: Calls, number: str, stack: str, policies: Sequence[str]) -> Iterator[Somebody]:
    """The user; gone afterwards."""
    name = f"cryoem-{stack}-somebody"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{number}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    made = calls.ask(
        "iam",
        "create_role",
        RoleName=name,
        Path=path_of(stack),
        AssumeRolePolicyDocument=json.dumps(trust),
        Tags=tagged({STACK: stack}),
    )
    arn = str(made["Role"]["Arn"])
    try:
        for policy in policies:
            calls.ask("iam", "attach_role_policy", RoleName=name, PolicyArn=policy)
        yield arn, _assumed(calls, arn)
    finally:
        for policy in policies:
            calls.ask("iam", "detach_role_policy", RoleName=name, PolicyArn=policy)
        calls.ask("iam", "delete_role", RoleName=name)


def _assumed(calls: Calls, arn: str) -> Env:
    """Its credentials, once AWS knows the role everywhere."""

    def ask() -> Env:
        got = calls.ask("sts", "assume_role", RoleArn=arn, RoleSessionName="live")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": str(got["AccessKeyId"]),
            "AWS_SECRET_ACCESS_KEY": str(got["SecretAccessKey"]),
            "AWS_SESSION_TOKEN": str(got["SessionToken"]),
        }

    return _patiently(ask)


def _patiently(ask: Callable[[], Env]) -> Env:
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return ask()
        except ProviderDeniedError as error:
            if time.monotonic() >= until_s:
                raise FailedError(f"the new role cannot be assumed: {error}") from error
            time.sleep(_LOOK_S)
