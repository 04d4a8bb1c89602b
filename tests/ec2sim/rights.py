"""Who may do what, once `Cloud.enforce_iam` was called: moto's judgement, mended.

moto takes the resource of whatever is not S3 for `*`, and refuses what has a condition. Here an
action counts as allowed outside of S3 where a statement names it, whatever the resource and the
condition; those are judged by an independent evaluator (tests/providers/aws). In S3, resources
count, with the tags of the role that asks in them, and conditions on `s3:prefix`. The boundary of
a role is judged like a policy.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, quote, unquote, urlsplit

from moto.core.exceptions import AccessDeniedError
from moto.iam.access_control import (
    AssumedRoleAccessKey,
    IAMPolicy,
    IAMRequestBase,
    PermissionResult,
    S3IAMRequest,
)
from moto.iam.exceptions import NotFoundException
from moto.iam.models import SERVICE_NAME_CONVERSION, Role
from moto.s3.models import FakeBucket

__all__ = ["rights_judged"]

_PREFIX = "s3:prefix"
# Whose actions IAM names otherwise than the request does (Service Authorization Reference).
_NAMES = {"s3:HeadBucket": "s3:ListBucket"}
_BY_QUERY = {"publicAccessBlock": "PublicAccessBlock"}  # moto takes it for a listing

_TLS = {"Bool": {"aws:SecureTransport": "false"}}

Statement = Mapping[str, Any]


class _UnauthorizedOperationError(AccessDeniedError):
    """As EC2 says it; its clients look for that code after a DryRun."""

    def __init__(self, user: str, action: str) -> None:
        message = (
            "You are not authorized to perform this operation. User: "
            f"{user} is not authorized to perform: {action}"
        )
        super(AccessDeniedError, self).__init__("UnauthorizedOperation", message)


@contextmanager
def rights_judged() -> Iterator[None]:
    """As long as this lasts, moto asks us."""
    with (
        patch.object(IAMRequestBase, "check_action_permitted", _check),
        patch.object(S3IAMRequest, "_calculate_signature", _signature),
        patch.object(FakeBucket, "get_permission", _of_bucket),
        patch.dict(SERVICE_NAME_CONVERSION, {"spot": "EC2Spot"}),
    ):
        yield


def _signature(request: S3IAMRequest) -> str:
    """Of the path as it was signed, where moto takes it as it was read: keys may have an `@`."""
    path, mark, query = request._path.partition("?")
    request._path = quote(unquote(path), safe="/-_.~") + mark + query
    return IAMRequestBase._calculate_signature(request)


def _of_bucket(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """What the bucket's own policy says. Our door stands for AWS's, which speaks TLS."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    kept = [each for each in policy["Statement"] if each.get("Condition") != _TLS]
    judged = IAMPolicy(json.dumps({**policy, "Statement": kept}))
    return judged.is_action_permitted(action, resource)


def _check(request: IAMRequestBase, resource: str) -> None:
    action = _NAMES.get(request._action, request._action)
    if action == "sts:GetCallerIdentity":
        return
    key = request._access_key
    policies = _policies(request)
    bounds: list[Mapping[str, Any]] = []
    tags: dict[str, str] = {}
    if isinstance(key, AssumedRoleAccessKey):
        role = request.backend.get_role(key._owner_role_name)
        tags = {str(tag["Key"]): str(tag["Value"]) for tag in role.tags or ()}
        bounds = _bounds(request, role)
    query = parse_qs(urlsplit(request._path).query, keep_blank_values=True)
    for word in _BY_QUERY.keys() & query.keys():
        verb = "Get" if request._method == "GET" else "Put"
        action = f"s3:{verb}Bucket{_BY_QUERY[word]}"
    context = {f"aws:PrincipalTag/{name}": value for name, value in tags.items()}
    if "prefix" in query:
        context[_PREFIX] = query["prefix"][0]
    asked = (action, resource, context)
    if not _permitted(policies, *asked) or (bounds and not _permitted(bounds, *asked)):
        if request._service == "ec2":
            raise _UnauthorizedOperationError(key.arn, action)
        request._raise_access_denied()


def _policies(request: IAMRequestBase) -> list[Mapping[str, Any]]:
    """Of who asks; a role that is gone has no credentials any more."""
    try:
        return [IAMPolicy(each)._policy_json for each in request._access_key.collect_policies()]
    except NotFoundException:
        request._raise_invalid_access_key("its role is gone")
        raise


def _bounds(request: IAMRequestBase, role: Role) -> list[Mapping[str, Any]]:
    if not role.permissions_boundary_arn:
        return []
    policy = request.backend.get_policy(role.permissions_boundary_arn)
    return [json.loads(version.document) for version in policy.versions if version.is_default]


def _permitted(
    policies: list[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    statements = [each for policy in policies for each in _several(policy["Statement"])]
    applying = [each for each in statements if _applies(each, action, resource, context)]
    return bool(applying) and all(each["Effect"] == "Allow" for each in applying)


def _applies(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    named = any(fnmatchcase(action, each) for each in _several(statement.get("Action", [])))
    if not named or not action.startswith("s3:"):
        return named
    patterns = [_filled(each, context) for each in _several(statement.get("Resource", "*"))]
    if not any(each is not None and fnmatchcase(resource, each) for each in patterns):
        return False
    for kind, keys in statement.get("Condition", {}).items():
        if _PREFIX in keys and kind == "StringLike":
            wanted = [_filled(each, context) for each in _several(keys[_PREFIX])]
            found = context.get(_PREFIX)
            if found is None or not any(w is not None and fnmatchcase(found, w) for w in wanted):
                return False
    return True


def _filled(pattern: str, context: Mapping[str, str]) -> str | None:
    """With IAM's variables filled in; None where one is not known, and nothing matches."""
    for name, value in context.items():
        pattern = pattern.replace(f"${{{name}}}", value)
    return None if "${aws:" in pattern else pattern


def _several(value: Any) -> list[Any]:  # noqa: ANN401  (one, or a list)
    return value if isinstance(value, list) else [value]
