"""What a user of the stack may do; what everybody may do who looks is in for_readers."""

from cryoem_cloud.providers.aws.names import RAISED, STACK
from cryoem_cloud.providers.aws.stack.policies import Scope, Statement, key_statement, only_tags

__all__ = ["users"]


def users(scope: Scope) -> tuple[Statement, ...]:
    """What `cryoem` changes at AWS in a user's name."""
    return (
        *_store(scope),
        *key_statement(scope, "your"),
        *_templates(scope),
        *_launching(scope),
        *_groups(scope),
        *_ending(scope),
        *_roles(scope),
    )


def _store(scope: Scope) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="StoreFiles",
            why="All of the stack's store, for the users of a stack trust each other.",
            actions=(
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:RestoreObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ),
            resources=(f"{scope.bucket_arn}/{scope.prefix}/*",),
        ),
        Statement(
            sid="StoreList",
            why="It lists the store, and nothing that lies beside it in the bucket.",
            actions=("s3:ListBucket",),
            resources=(scope.bucket_arn,),
            conditions={"StringLike": {"s3:prefix": f"{scope.prefix}/*"}},
        ),
    )


def _templates(scope: Scope) -> tuple[Statement, ...]:
    ours = {"StringEquals": {f"aws:ResourceTag/{STACK}": scope.stack}}
    of_new = {f"aws:RequestTag/{STACK}": scope.stack}
    return (
        Statement(
            sid="MakeTemplate",
            why="What machines are launched as: a launch template an order, with the stack's tag.",
            actions=("ec2:CreateLaunchTemplate",),
            resources=scope.ec2("launch-template"),
            conditions={"StringEquals": of_new},
        ),
        Statement(
            sid="RemoveTemplate",
            why="It goes after the job; templates of others stay.",
            actions=("ec2:DeleteLaunchTemplate",),
            resources=scope.ec2("launch-template"),
            conditions=ours,
        ),
        Statement(
            sid="TagWhatIsMade",
            why="EC2 asks for this when things are made with tags; it tags nothing that is there.",
            actions=("ec2:CreateTags",),
            resources=scope.ec2("launch-template", "instance", "volume"),
            conditions={
                "StringEquals": {
                    **of_new,
                    "ec2:CreateAction": ["CreateLaunchTemplate", "RunInstances"],
                }
            },
        ),
        Statement(
            sid="NoteRaised",
            why="One tag on the stack's templates says that machines were bought, so that nobody "
            "buys them twice.",
            actions=("ec2:CreateTags",),
            resources=scope.ec2("launch-template"),
            conditions={**ours, **only_tags(RAISED)},
        ),
    )


def _launching(scope: Scope) -> tuple[Statement, ...]:
    """What Auto Scaling asks of who makes a group.

    "An IAM user or role that creates or updates an Auto Scaling group using a launch template must
    have permission to use the ec2:RunInstances action" (Auto Scaling user guide, "Control Amazon
    EC2 launch template usage in Auto Scaling groups"), for each thing of a launch. It launches with
    its own role.
    """
    ec2 = scope.ec2
    return (
        Statement(
            sid="LaunchFromTemplate",
            why="Auto Scaling launches only what the caller that makes the group may launch: "
            "from the stack's templates.",
            actions=("ec2:RunInstances",),
            resources=ec2("launch-template"),
            conditions={"StringEquals": {f"aws:ResourceTag/{STACK}": scope.stack}},
        ),
        Statement(
            sid="LaunchTagged",
            why="Machines and their disks with the stack's tag, and none without.",
            actions=("ec2:RunInstances",),
            resources=ec2("instance", "volume"),
            conditions={"StringEquals": {f"aws:RequestTag/{STACK}": scope.stack}},
        ),
        Statement(
            sid="LaunchInNetwork",
            why="In the stack's subnets and security group alone, with any image; interfaces "
            "have no name before they are made.",
            actions=("ec2:RunInstances",),
            resources=(
                *(scope.arn("ec2", f"subnet/{subnet}") for subnet in scope.subnets),
                scope.arn("ec2", f"security-group/{scope.security_group}"),
                *ec2("network-interface"),
                scope.public("image"),
                scope.public("snapshot"),
            ),
        ),
    )


def _groups(scope: Scope) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="MakeGroup",
            why="One Auto Scaling group an order, with the stack's tag from the start.",
            actions=("autoscaling:CreateAutoScalingGroup",),
            resources=(scope.groups,),
            conditions={"StringEquals": {f"aws:RequestTag/{STACK}": scope.stack}},
        ),
        Statement(
            sid="RunGroup",
            why="Its end is planned, its size is set, its machines are ended and it is deleted; "
            "groups of others stay as they are.",
            actions=(
                "autoscaling:DeleteAutoScalingGroup",
                "autoscaling:PutScheduledUpdateGroupAction",
                "autoscaling:SuspendProcesses",
                "autoscaling:TerminateInstanceInAutoScalingGroup",
                "autoscaling:UpdateAutoScalingGroup",
            ),
            resources=(scope.groups,),
            conditions={"StringEquals": {f"aws:ResourceTag/{STACK}": scope.stack}},
        ),
    )


def _ending(scope: Scope) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="EndMachines",
            why="`cryoem reap` ends machines of the stack that no group has any more, and removes "
            "their disks; `cryoem machines console` reads what one printed.",
            actions=("ec2:TerminateInstances", "ec2:GetConsoleOutput", "ec2:DeleteVolume"),
            resources=scope.ec2("instance", "volume"),
            conditions={"StringEquals": {f"aws:ResourceTag/{STACK}": scope.stack}},
        ),
    )


def _roles(scope: Scope) -> tuple[Statement, ...]:
    roles, profiles = scope.iam("role"), scope.iam("instance-profile")
    unnamed = f"arn:{scope.partition}:iam::{scope.account}:instance-profile/cryoem-{scope.stack}-*"
    tag = {f"aws:RequestTag/{STACK}": scope.stack}
    return (
        Statement(
            sid="MakeRole",
            why="Each project's machines have a role of their own, made by the first job, below "
            "the stack's path and within the boundary.",
            actions=("iam:CreateRole",),
            resources=(roles,),
            conditions={"StringEquals": {**tag, "iam:PermissionsBoundary": scope.boundary}},
        ),
        Statement(
            sid="TagRole",
            why="The role's tag says which project it reaches; IAM asks for this when the role is "
            "made with tags.",
            actions=("iam:TagRole", "iam:CreateInstanceProfile", "iam:TagInstanceProfile"),
            resources=(roles, profiles),
            conditions={"StringEquals": tag},
        ),
        Statement(
            sid="GiveMachinePolicy",
            why="The policy of machines is the one that a role can get.",
            actions=("iam:AttachRolePolicy",),
            resources=(roles,),
            conditions={"ArnEquals": {"iam:PolicyARN": scope.machine_policy}},
        ),
        Statement(
            sid="FillProfile",
            why="EC2 takes a role in an instance profile; where there is none yet, IAM judges the "
            "question by its name alone, without the path.",
            actions=("iam:AddRoleToInstanceProfile", "iam:GetInstanceProfile"),
            resources=(profiles, unnamed),
        ),
        Statement(
            sid="PassRole",
            why="Machines get a role of the stack, never another one, and only machines do.",
            actions=("iam:PassRole",),
            resources=(roles,),
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    )
