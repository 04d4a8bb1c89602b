"""What nobody of a stack may do."""

from tests.providers.aws.stack.asked import (
    BUCKET,
    EC2,
    GROUP,
    IAM,
    MACHINES,
    NEW,
    OURS,
    REGION,
    ROLE,
    Context,
    Who,
)
from tests.providers.aws.stack.evaluator import ACCOUNT

__all__ = ["NOTHING_ELSE"]

NOTHING_ELSE: tuple[tuple[Who, str, str, Context], ...] = (
    ("machine", "ec2:DescribeInstances", "*", {}),
    ("machine", "autoscaling:DescribeAutoScalingInstances", "*", {}),
    ("machine", "ec2:DescribeLaunchTemplateVersions", "*", {}),
    ("machine", "ec2:DescribeTags", "*", {}),
    ("machine", "s3:ListAllMyBuckets", "*", {}),
    ("machine", "iam:ListRoles", "*", {}),
    ("machine", "iam:PassRole", ROLE, {}),
    ("machine", "iam:CreateRole", ROLE, {}),
    ("machine", "ec2:RunInstances", f"{EC2}:instance/*", NEW),
    ("machine", "sts:AssumeRole", ROLE, {}),
    ("machine", "ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/secret", {}),
    ("machine", "ssmmessages:OpenDataChannel", "*", {}),
    ("user", "s3:ListAllMyBuckets", "*", {}),
    ("user", "s3:DeleteBucket", BUCKET, {}),
    ("user", "s3:PutBucketPolicy", BUCKET, {}),
    ("user", "s3:PutLifecycleConfiguration", BUCKET, {}),
    ("user", "iam:ListRoles", "*", {}),
    ("user", "iam:ListUsers", "*", {}),
    ("user", "iam:CreateUser", f"{IAM}:user/eve", {}),
    ("user", "iam:PutRolePolicy", ROLE, {}),
    ("user", "iam:DeleteRolePermissionsBoundary", ROLE, {}),
    ("user", "iam:PutRolePermissionsBoundary", ROLE, {}),
    ("user", "iam:UpdateAssumeRolePolicy", ROLE, {}),
    ("user", "iam:CreatePolicyVersion", MACHINES, {}),
    ("user", "iam:AttachUserPolicy", f"{IAM}:user/ann", {}),
    ("user", "iam:CreateServiceLinkedRole", f"{IAM}:role/aws-service-role/x", {}),
    ("user", "sts:AssumeRole", ROLE, {}),
    (
        "user",
        "cloudformation:DeleteStack",
        f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/lab/1",
        {},
    ),
    ("user", "ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/sg-1", OURS),
    ("user", "ec2:DeleteTags", f"{EC2}:instance/i-1", OURS),
    ("user", "ssm:StartSession", f"{EC2}:instance/i-1", OURS),
    ("user", "autoscaling:CreateOrUpdateTags", GROUP, OURS),
)
"""Who, what, on what: refused to each, though everything of the stack's tags fits."""
