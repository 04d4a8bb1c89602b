"""What a user needs besides, to let themselves in to machines by ssh: a policy of its own."""

from cryoem_cloud.providers.aws.names import STACK, TOKEN
from cryoem_cloud.providers.aws.stack.policies import Scope, Statement

__all__ = ["doors"]


def doors(scope: Scope) -> tuple[Statement, ...]:
    """To make, open, close and remove security groups of jobs, and no others.

    The stack's own group has the stack's tag too; that of an order it has not.
    """
    of_jobs = _with_tags(scope, "aws:ResourceTag")
    groups = scope.ec2("security-group")
    return (
        Statement(
            sid="MakeDoor",
            why="A security group a job whose submitter asked to be let in, with the tags of the "
            "stack and of the order.",
            actions=("ec2:CreateSecurityGroup",),
            resources=groups,
            conditions=_with_tags(scope, "aws:RequestTag"),
        ),
        Statement(
            sid="MakeDoorInNetwork",
            why="It is made in the stack's network, and in no other.",
            actions=("ec2:CreateSecurityGroup",),
            resources=(scope.arn("ec2", f"vpc/{scope.vpc}"),),
        ),
        Statement(
            sid="TagDoor",
            why="EC2 asks for this when the group is made with tags; it tags none that is there.",
            actions=("ec2:CreateTags",),
            resources=groups,
            conditions={
                "StringEquals": {
                    f"aws:RequestTag/{STACK}": scope.stack,
                    "ec2:CreateAction": "CreateSecurityGroup",
                }
            },
        ),
        Statement(
            sid="UseDoor",
            why="Groups of jobs are opened, closed and removed; not the stack's own, which has no "
            "tag of an order. IAM cannot limit port and address: `cryoem` opens port 22 to one.",
            actions=(
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:DeleteSecurityGroup",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
            ),
            resources=groups,
            conditions=of_jobs | {"ArnEquals": {"ec2:Vpc": scope.arn("ec2", f"vpc/{scope.vpc}")}},
        ),
        Statement(
            sid="LaunchWithDoor",
            why="The job's machines have its group beside the stack's.",
            actions=("ec2:RunInstances",),
            resources=groups,
            conditions=of_jobs,
        ),
    )


def _with_tags(scope: Scope, kind: str) -> dict[str, dict[str, str | list[str]]]:
    return {
        "StringEquals": {f"{kind}/{STACK}": scope.stack},
        "Null": {f"{kind}/{TOKEN}": "false"},
    }
