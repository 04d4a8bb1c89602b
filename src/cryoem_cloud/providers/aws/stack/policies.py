"""What policies are made of: the things that they speak of, and statements with their reasons.

Each statement says why it is there; docs/explanation/aws-security.md tells all of them. What an
action can be limited by is read in the Service Authorization Reference (docs.aws.amazon.com).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryoem_cloud.providers.aws.names import PROJECT, path_of

__all__ = ["OWN_PROJECT", "Scope", "Statement", "document", "key_statement", "only_tags"]

OWN_PROJECT = f"${{aws:PrincipalTag/{PROJECT}}}"
"""The project of the role that asks; where a role has no such tag, its statement never applies."""

Conditions = Mapping[str, Mapping[str, str | list[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The things that a stack's policies speak of; all may be CloudFormation's `${…}`.

    `machine_policy` is the ARN of the policy of machines; `boundary` that of the permissions
    boundary of their roles, which is the same one where the organisation demands no other. `key`
    is the ARN of the KMS key of the bucket; "": it has none of its own. `vpc` is the network.
    """

    partition: str
    region: str
    account: str
    stack: str
    bucket: str
    prefix: str
    subnets: tuple[str, ...]
    security_group: str
    machine_policy: str
    boundary: str
    key: str = ""
    sessions: bool = False
    vpc: str = ""

    def arn(self, service: str, what: str) -> str:
        """Of something of the account in the region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{what}"

    def ec2(self, *kinds: str) -> tuple[str, ...]:
        """Everything of these kinds of EC2's."""
        return tuple(self.arn("ec2", f"{kind}/*") for kind in kinds)

    def public(self, kind: str) -> str:
        """Everything of a kind that belongs to no account, as images and snapshots."""
        return f"arn:{self.partition}:ec2:{self.region}::{kind}/*"

    def iam(self, kind: str) -> str:
        """Everything of a kind of IAM's below the stack's path."""
        return f"arn:{self.partition}:iam::{self.account}:{kind}{path_of(self.stack)}*"

    @property
    def bucket_arn(self) -> str:
        """The store's bucket."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def groups(self) -> str:
        """Every Auto Scaling group; conditions say which."""
        return self.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is allowed, on what, when, and why."""

    sid: str
    why: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    conditions: Conditions = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As IAM reads it."""
        found = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return {**found, "Condition": dict(self.conditions)} if self.conditions else found


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """The policy."""
    return {
        "Version": "2012-10-17",
        "Statement": [statement.to_json() for statement in statements],
    }


def only_tags(*keys: str) -> Conditions:
    """That a call writes these tags and no others (and some)."""
    return {
        "ForAllValues:StringEquals": {"aws:TagKeys": list(keys)},
        "Null": {"aws:TagKeys": "false"},
    }


def key_statement(scope: Scope, whose: str) -> tuple[Statement, ...]:
    """What the bucket's own key needs; nothing, where it has none."""
    if not scope.key:
        return ()
    return (
        Statement(
            sid="BucketKey",
            why=f"The bucket is encrypted with a key of yours, which {whose} reading and writing "
            "needs; only through S3.",
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=(scope.key,),
            conditions={"StringEquals": {"kms:ViaService": f"s3.{scope.region}.amazonaws.com"}},
        ),
    )
