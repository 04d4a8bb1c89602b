"""What users look at, and what they need besides where shells on machines are wanted."""

from cryoem_cloud.providers.aws.names import STACK
from cryoem_cloud.providers.aws.stack.policies import Scope, Statement

__all__ = ["bill", "readers", "sessions"]


def readers(scope: Scope) -> tuple[Statement, ...]:
    """What `cryoem` reads at AWS in a user's name; a policy apart, as one would be too long."""
    return (*_machines(scope), *_account(scope))


def _machines(scope: Scope) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="StoreLook",
            why="`cryoem aws doctor` looks where the bucket is and that nobody else reads it.",
            actions=("s3:GetBucketLocation", "s3:GetBucketPublicAccessBlock"),
            resources=(scope.bucket_arn,),
        ),
        Statement(
            sid="LookAtMachines",
            why="Groups, templates, machines, machine types, prices of Spot and the network are "
            "listed; AWS cannot limit a listing to what is tagged.",
            actions=(
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeScheduledActions",
                "ec2:DescribeImages",
                "ec2:DescribeInstances",
                "ec2:DescribeInstanceTypeOfferings",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplates",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSpotPriceHistory",
                "ec2:DescribeSubnets",
                "ec2:DescribeVolumes",
                "ec2:DescribeVpcEndpoints",
            ),
        ),
    )


def _account(scope: Scope) -> tuple[Statement, ...]:
    arn = f"arn:{scope.partition}"
    return (
        Statement(
            sid="LookAtPrices",
            why="What machines cost, how many the account may have, and what was asked for.",
            actions=(
                "pricing:GetProducts",
                "servicequotas:GetServiceQuota",
                "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota",
            ),
        ),
        Statement(
            sid="LookUpImages",
            why="The newest images of Ubuntu, Debian and Amazon Linux, in AWS's public parameters.",
            actions=("ssm:GetParameter",),
            resources=(f"{arn}:ssm:{scope.region}:*:parameter/aws/service/*",),
        ),
        Statement(
            sid="LookAtStack",
            why="`cryoem aws join` reads what the stack made.",
            actions=("cloudformation:DescribeStacks",),
            resources=(scope.arn("cloudformation", f"stack/{scope.stack}/*"),),
        ),
        Statement(
            sid="LookAtRoles",
            why="`cryoem aws doctor` looks whether the policy of machines and the roles of AWS's "
            "own services are there (IAM judges a missing role by its name, without the path).",
            actions=("iam:GetPolicy", "iam:GetRole"),
            resources=(
                scope.machine_policy,
                f"{arn}:iam::{scope.account}:role/aws-service-role/*",
                f"{arn}:iam::{scope.account}:role/AWSServiceRoleFor*",
            ),
        ),
    )


def bill(_: Scope) -> tuple[Statement, ...]:
    """What a user needs besides, to compare the ledger with the bill."""
    return (
        Statement(
            sid="LookAtBill",
            why="`cryoem costs --check` asks Cost Explorer; AWS cannot limit that to what is "
            "tagged, so that who has this may see what all of the account costs.",
            actions=("ce:GetCostAndUsage",),
        ),
    )


def sessions(scope: Scope) -> tuple[Statement, ...]:
    """What a user needs besides, to open a shell on a machine through Session Manager."""
    return (
        Statement(
            sid="OpenSession",
            why="A shell on the stack's machines, and on no others of the account.",
            actions=("ssm:StartSession",),
            resources=scope.ec2("instance"),
            conditions={"StringEquals": {f"ssm:resourceTag/{STACK}": scope.stack}},
        ),
        Statement(
            sid="SessionKind",
            why="Shells and forwarded ports (ssh, scp) are the sessions that there are.",
            actions=("ssm:StartSession",),
            resources=(
                f"arn:{scope.partition}:ssm:{scope.region}:*:document/AWS-StartSSHSession",
                scope.arn("ssm", "document/SSM-SessionManagerRunShell"),
            ),
        ),
        Statement(
            sid="OwnSessions",
            why="Who opened a session may resume and end it, and nobody else's.",
            actions=("ssm:TerminateSession", "ssm:ResumeSession"),
            resources=(scope.arn("ssm", "session/*"),),
            conditions={
                "StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": "${aws:userid}"}
            },
        ),
    )
