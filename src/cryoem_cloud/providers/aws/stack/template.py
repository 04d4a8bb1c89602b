"""A stack as CloudFormation's template: plain values, made of the administrator's choices."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryoem_cloud.providers.aws.names import STACK, path_of, tagged
from cryoem_cloud.providers.aws.stack.choices import Choices
from cryoem_cloud.providers.aws.stack.for_bills import budget
from cryoem_cloud.providers.aws.stack.for_doors import doors
from cryoem_cloud.providers.aws.stack.for_machines import machines
from cryoem_cloud.providers.aws.stack.for_readers import bill, readers, sessions
from cryoem_cloud.providers.aws.stack.for_users import users
from cryoem_cloud.providers.aws.stack.network import gate, network, subnets_of
from cryoem_cloud.providers.aws.stack.policies import Scope, Statement, document

__all__ = ["KEPT", "policy_name", "tags_of_stack", "template"]

KEPT = "RetainExceptOnCreate"
"""What becomes of the bucket when the stack is deleted; one of a stack that failed is empty."""
_ABORT_DAYS = 7
_VARIABLE, _OURS = "${aws:", "${!aws:"


def policy_name(choices: Choices, whose: str) -> str:
    """Of a policy, unique in the account: IAM knows no regions."""
    return f"cryoem-{choices.stack}-{choices.region}-{whose}"


def tags_of_stack(choices: Choices) -> dict[str, str]:
    """The tags of all that the stack makes."""
    return {**choices.tags, STACK: choices.stack}


def template(choices: Choices) -> dict[str, Any]:
    """All that the stack makes, and the outputs that `join` reads."""
    tags = tagged({**tags_of_stack(choices), "Name": f"cryoem {choices.stack}"})
    scope = _scope(choices)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"cryoem-cloud-tools: network, store and rights of {choices.stack}",
        "Resources": {
            **network(choices, tags),
            "Gate": gate(choices, tags),
            **_store(choices, tags),
            **_policies(choices, scope),
            **budget(choices),
        },
        "Outputs": _outputs(choices, scope),
    }


def _scope(choices: Choices) -> Scope:
    policies = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:policy{path_of(choices.stack)}"
    machine_policy = f"{policies}{policy_name(choices, 'machines')}"
    return Scope(
        partition="${AWS::Partition}",
        region=choices.region,
        account="${AWS::AccountId}",
        stack=choices.stack,
        bucket=choices.bucket or "${Store}",
        prefix=choices.folder,
        subnets=choices.subnets or tuple(f"${{{name}}}" for name in subnets_of(choices)),
        security_group="${Gate}",
        machine_policy=machine_policy,
        boundary=choices.boundary or machine_policy,
        key=choices.key,
        sessions=choices.sessions,
        vpc=choices.vpc or "${Network}",
    )


def _store(choices: Choices, tags: list[dict[str, str]]) -> dict[str, Any]:
    if choices.bucket:
        return {}
    kept = {"DeletionPolicy": KEPT, "UpdateReplacePolicy": "Retain"}
    by_default: dict[str, Any] = {"SSEAlgorithm": "AES256"}
    if choices.key:
        by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": choices.key}
    rule = {"ServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": bool(choices.key)}
    properties = {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "unfinished-uploads",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _ABORT_DAYS},
                }
            ]
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "Tags": tags,
    }
    return {
        "Store": {"Type": "AWS::S3::Bucket", **kept, "Properties": properties},
        "StoreByTls": {"Type": "AWS::S3::BucketPolicy", **kept, "Properties": _tls_only()},
    }


def _tls_only() -> dict[str, Any]:
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [
            {"Fn::Sub": "arn:${AWS::Partition}:s3:::${Store}"},
            {"Fn::Sub": "arn:${AWS::Partition}:s3:::${Store}/*"},
        ],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Bucket": {"Ref": "Store"},
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


def _policies(choices: Choices, scope: Scope) -> dict[str, Any]:
    rights: dict[str, tuple[str, Sequence[Statement]]] = {
        "MachinePolicy": ("machines", machines(scope)),
        "UserPolicy": ("users", users(scope)),
        "ReaderPolicy": ("readers", readers(scope)),
        "BillPolicy": ("accountants", bill(scope)),
    }
    if choices.sessions:
        rights["SessionPolicy"] = ("sessions", sessions(scope))
    if choices.ssh:
        rights["SshPolicy"] = ("ssh", doors(scope))
    return {
        name: {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": policy_name(choices, whose),
                "Path": path_of(choices.stack),
                "Description": f"cryoem {choices.stack}: what {whose} may do",
                "PolicyDocument": _filled(document(statements)),
            },
        }
        for name, (whose, statements) in rights.items()
    }


def _outputs(choices: Choices, scope: Scope) -> dict[str, Any]:
    values: dict[str, Any] = {
        "Region": choices.region,
        "Store": f"s3://{scope.bucket}/{choices.folder}",
        "Subnets": ",".join(scope.subnets),
        "SecurityGroup": {"Ref": "Gate"},
        "MachinePolicy": {"Ref": "MachinePolicy"},
        "UserPolicy": {"Ref": "UserPolicy"},
        "ReaderPolicy": {"Ref": "ReaderPolicy"},
        "BillPolicy": {"Ref": "BillPolicy"},
        "SessionPolicy": {"Ref": "SessionPolicy"} if choices.sessions else "",
        "SshPolicy": {"Ref": "SshPolicy"} if choices.ssh else "",
        "BudgetEmail": choices.budget_email,
        "BudgetUsd": f"{choices.budget_usd}" if choices.budget_email else "",
        "Boundary": choices.boundary,
        "Image": choices.image,
        "Agents": json.dumps(dict(choices.agents)) if choices.agents else "",
        "Tags": json.dumps(dict(choices.tags)) if choices.tags else "",
    }
    return {name: {"Value": _filled(value)} for name, value in values.items() if value}


def _filled(value: Any) -> Any:  # noqa: ANN401  (any part of a template)
    """With CloudFormation's names filled in by it, and IAM's own variables left to IAM."""
    if isinstance(value, Mapping):
        return {key: _filled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if isinstance(value, str) and "${" in value.replace(_VARIABLE, ""):
        return {"Fn::Sub": value.replace(_VARIABLE, _OURS)}
    return value
