"""What a machine may do; also the boundary of every role of machines."""

from cryoem_cloud.providers.aws.names import BUILDS, PROJECT, STACK, STATE, WHY
from cryoem_cloud.providers.aws.stack.policies import (
    OWN_PROJECT,
    Scope,
    Statement,
    key_statement,
    only_tags,
)

__all__ = ["WRITTEN", "machines"]

WRITTEN = (
    "jobs/*",
    "index/*",
    "gains/*",
    "ledger/*/machines/*/agent/*",
    "ledger/*/usage/agent-*",
    f"{BUILDS}-*/log",
    f"{BUILDS}-*/result",
)
"""Keys of its project that a machine writes; the last two are of those that build images."""


def machines(scope: Scope) -> tuple[Statement, ...]:
    """What a machine may do: with its project's part of the store, its group, and itself."""
    return (
        *_store(scope),
        *_group(scope),
        *key_statement(scope, "a machine's"),
        *_sessions_of_machines(scope),
    )


def _store(scope: Scope) -> tuple[Statement, ...]:
    own = f"{scope.prefix}/{OWN_PROJECT}/*"
    return (
        Statement(
            sid="ProjectFiles",
            why="A machine reads what its project's jobs ask for; it cannot delete.",
            actions=(
                "s3:GetObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ),
            resources=(f"{scope.bucket_arn}/{own}",),
        ),
        Statement(
            sid="ProjectResults",
            why="It sends what jobs make and says which files these are; in the ledger it tells of "
            "machines and of its requests, and cannot write what others told there; one that "
            "builds an image tells how it goes, and cannot write its script.",
            actions=("s3:PutObject",),
            resources=tuple(
                f"{scope.bucket_arn}/{scope.prefix}/{OWN_PROJECT}/{keys}" for keys in WRITTEN
            ),
        ),
        Statement(
            sid="ProjectList",
            why="It lists its project, and no other; this also makes S3 answer that an object is "
            "missing, where it would else say that access is denied.",
            actions=("s3:ListBucket",),
            resources=(scope.bucket_arn,),
            conditions={"StringLike": {"s3:prefix": own}},
        ),
        Statement(
            sid="AgentArchive",
            why="It fetches the agent when it boots, and cannot change it.",
            actions=("s3:GetObject",),
            resources=(f"{scope.bucket_arn}/{scope.prefix}/@agent/*",),
        ),
    )


def _group(scope: Scope) -> tuple[Statement, ...]:
    of_own = {
        f"aws:ResourceTag/{STACK}": scope.stack,
        f"aws:ResourceTag/{PROJECT}": OWN_PROJECT,
    }
    return (
        Statement(
            sid="OwnGroupShrinks",
            why="It leaves its group so that no other is bought for it, ends the machine of its "
            "project whose task it takes over, and deletes the group when its job has ended.",
            actions=(
                "autoscaling:TerminateInstanceInAutoScalingGroup",
                "autoscaling:DeleteAutoScalingGroup",
            ),
            resources=(scope.groups,),
            conditions={"StringEquals": of_own},
        ),
        Statement(
            sid="OwnGroupEndsLater",
            why="While its task progresses it pushes the end of its group forward; it can plan "
            "nothing but an end, as the greatest size of what it plans must be 0.",
            actions=("autoscaling:PutScheduledUpdateGroupAction",),
            resources=(scope.groups,),
            conditions={"StringEquals": of_own, "NumericEquals": {"autoscaling:MaxSize": "0"}},
        ),
        Statement(
            sid="OwnState",
            why="It says in two tags how far it is and why it failed, which couriers list; other "
            "tags it cannot write.",
            actions=("ec2:CreateTags",),
            resources=scope.ec2("instance"),
            conditions={"StringEquals": of_own, **only_tags(STATE, WHY)},
        ),
    )


def _sessions_of_machines(scope: Scope) -> tuple[Statement, ...]:
    if not scope.sessions:
        return ()
    return (
        Statement(
            sid="HearSessions",
            why="Session Manager's own agent on the machine asks AWS for sessions that users "
            "open; there only where setup was called with --sessions.",
            actions=(
                "ssm:UpdateInstanceInformation",
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ),
        ),
    )
