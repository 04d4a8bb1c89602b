"""What users may do."""

from tests.providers.aws.stack.asked import (
    ADMIN,
    BUCKET,
    EC2,
    GROUP,
    IAM,
    MACHINES,
    NEW,
    OURS,
    PROFILE,
    PROJECT,
    REGION,
    ROLE,
    THEIRS,
    But,
    Context,
    user,
)
from tests.providers.aws.stack.evaluator import ACCOUNT

__all__ = ["OF_USERS"]

_TEMPLATE = f"{EC2}:launch-template/lt-1"
_NOT_NEW: Context = {"aws:RequestTag/cryoem:stack": "else", "aws:TagKeys": ["cryoem:stack"]}
_MADE: Context = {**NEW, "ec2:CreateAction": "RunInstances"}

OF_USERS = (
    *(
        user(
            "StoreFiles",
            f"s3:{action}",
            f"{BUCKET}/lab/{PROJECT}/mirror/a.star",
            {},
            But("beside the store", resource=f"{BUCKET}/accounts/a.csv"),
            But("another bucket", resource=f"arn:aws:s3:::else/lab/{PROJECT}/a"),
            But("making it public", action="s3:PutObjectAcl"),
        )
        for action in (
            "GetObject",
            "PutObject",
            "DeleteObject",
            "RestoreObject",
            "AbortMultipartUpload",
            "ListMultipartUploadParts",
        )
    ),
    user(
        "StoreList",
        "s3:ListBucket",
        BUCKET,
        {"s3:prefix": "lab/"},
        But("the bucket's root", context={}),
        But("what lies beside the store", context={"s3:prefix": "laboratory/"}),
        But("another bucket", resource="arn:aws:s3:::else"),
    ),
    user(
        "StoreLook",
        "s3:GetBucketPublicAccessBlock",
        BUCKET,
        {},
        But("another bucket", resource="arn:aws:s3:::else"),
        But("changing it", action="s3:PutBucketPublicAccessBlock"),
    ),
    user("StoreLook", "s3:GetBucketLocation", BUCKET, {}),
    user(
        "MakeTemplate",
        "ec2:CreateLaunchTemplate",
        f"{EC2}:launch-template/*",
        NEW,
        But("without the tag", context={}),
        But("with another stack's", context=_NOT_NEW),
    ),
    user(
        "RemoveTemplate",
        "ec2:DeleteLaunchTemplate",
        _TEMPLATE,
        OURS,
        But("of others", context=THEIRS),
        But("without tags", context={}),
        But("changing it", action="ec2:CreateLaunchTemplateVersion"),
    ),
    *(
        user(
            "TagWhatIsMade",
            "ec2:CreateTags",
            f"{EC2}:{kind}/*",
            _MADE,
            But("what is there", context=NEW),
            But("with another stack's", context={**_NOT_NEW, "ec2:CreateAction": "RunInstances"}),
            But("networks", resource=f"{EC2}:subnet/subnet-9"),
            But("made otherwise", context={**NEW, "ec2:CreateAction": "CreateImage"}),
        )
        for kind in ("instance", "volume")
    ),
    user(
        "TagWhatIsMade",
        "ec2:CreateTags",
        f"{EC2}:launch-template/*",
        {**NEW, "ec2:CreateAction": "CreateLaunchTemplate"},
    ),
    user(
        "NoteRaised",
        "ec2:CreateTags",
        _TEMPLATE,
        {**OURS, "aws:TagKeys": ["cryoem:raised"]},
        But("of others", context={**THEIRS, "aws:TagKeys": ["cryoem:raised"]}),
        But("another tag", context={**OURS, "aws:TagKeys": ["cryoem:stack"]}),
        But(
            "another tag besides",
            context={**OURS, "aws:TagKeys": ["cryoem:raised", "cryoem:project"]},
        ),
        But("an instance", resource=f"{EC2}:instance/i-1"),
    ),
    user(
        "LaunchFromTemplate",
        "ec2:RunInstances",
        _TEMPLATE,
        OURS,
        But("of others", context=THEIRS),
        But("without tags", context={}),
    ),
    *(
        user(
            "LaunchTagged",
            "ec2:RunInstances",
            f"{EC2}:{kind}/*",
            NEW,
            But("without tags", context={}),
            But("with another stack's", context=_NOT_NEW),
        )
        for kind in ("instance", "volume")
    ),
    *(
        user("LaunchInNetwork", "ec2:RunInstances", resource, {}, *but)
        for resource, but in (
            (f"{EC2}:subnet/subnet-1", (But("another", resource=f"{EC2}:subnet/subnet-9"),)),
            (
                f"{EC2}:security-group/sg-1",
                (But("another", resource=f"{EC2}:security-group/sg-9"),),
            ),
            (f"{EC2}:network-interface/*", ()),
            (f"arn:aws:ec2:{REGION}::image/ami-1", ()),
            (f"arn:aws:ec2:{REGION}::snapshot/snap-1", ()),
            (f"{EC2}:subnet/subnet-2", (But("a key pair", resource=f"{EC2}:key-pair/k"),)),
        )
    ),
    user(
        "MakeGroup",
        "autoscaling:CreateAutoScalingGroup",
        GROUP,
        NEW,
        But("without the tag", context={}),
        But("with another stack's", context=_NOT_NEW),
    ),
    *(
        user(
            "RunGroup",
            f"autoscaling:{action}",
            GROUP,
            OURS,
            But("of others", context=THEIRS),
            But("without tags", context={}),
        )
        for action in (
            "DeleteAutoScalingGroup",
            "PutScheduledUpdateGroupAction",
            "SuspendProcesses",
            "TerminateInstanceInAutoScalingGroup",
            "UpdateAutoScalingGroup",
        )
    ),
    *(
        user(
            "EndMachines",
            f"ec2:{action}",
            f"{EC2}:{thing}",
            OURS,
            But("of others", context=THEIRS),
            But("without tags", context={}),
        )
        for action, thing in (
            ("TerminateInstances", "instance/i-1"),
            ("GetConsoleOutput", "instance/i-1"),
            ("DeleteVolume", "volume/vol-1"),
        )
    ),
    user(
        "MakeRole",
        "iam:CreateRole",
        ROLE,
        {**NEW, "iam:PermissionsBoundary": MACHINES},
        But("without a boundary", context=NEW),
        But("with another boundary", context={**NEW, "iam:PermissionsBoundary": ADMIN}),
        But("outside the path", resource=f"{IAM}:role/cryoem-lab-{PROJECT}"),
        But("below another stack's path", resource=f"{IAM}:role/cryoem/else/r"),
        But("without the tag", context={"iam:PermissionsBoundary": MACHINES}),
    ),
    *(
        user(
            "TagRole",
            f"iam:{action}",
            resource,
            NEW,
            But("outside the path", resource=f"{resource.split('/')[0]}/x"),
            But("as another stack's", context=_NOT_NEW),
        )
        for action, resource in (
            ("TagRole", ROLE),
            ("CreateInstanceProfile", PROFILE),
            ("TagInstanceProfile", PROFILE),
        )
    ),
    user(
        "GiveMachinePolicy",
        "iam:AttachRolePolicy",
        ROLE,
        {"iam:PolicyARN": MACHINES},
        But("AdministratorAccess", context={"iam:PolicyARN": ADMIN}),
        But("to another role", resource=f"{IAM}:role/admin"),
    ),
    *(
        user(
            "FillProfile",
            f"iam:{action}",
            resource,
            {},
            But("another", resource=f"{IAM}:instance-profile/admin"),
            But("another stack's", resource=f"{IAM}:instance-profile/cryoem/else/p"),
        )
        for action in ("AddRoleToInstanceProfile", "GetInstanceProfile")
        for resource in (PROFILE, f"{IAM}:instance-profile/cryoem-lab-{PROJECT}")
    ),
    user(
        "PassRole",
        "iam:PassRole",
        ROLE,
        {"iam:PassedToService": "ec2.amazonaws.com"},
        But("another role", resource=f"{IAM}:role/admin"),
        But("another stack's role", resource=f"{IAM}:role/cryoem/else/r"),
        But("to another service", context={"iam:PassedToService": "lambda.amazonaws.com"}),
    ),
    user(
        "LookAtMachines",
        "ec2:DescribeInstances",
        "*",
        {},
        But("other listings", action="ec2:DescribeVpnConnections"),
    ),
    user("LookAtMachines", "autoscaling:DescribeAutoScalingGroups", "*", {}),
    user(
        "LookAtPrices", "pricing:GetProducts", "*", {}, But("the bill", action="ce:GetCostAndUsage")
    ),
    user(
        "LookAtPrices",
        "servicequotas:GetServiceQuota",
        f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:ec2/L-1",
        {},
        But("asking for more", action="servicequotas:RequestServiceQuotaIncrease"),
    ),
    user(
        "LookUpImages",
        "ssm:GetParameter",
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/aws/service/canonical/ubuntu/x",
        {},
        But("the account's own", resource=f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/secret"),
    ),
    user(
        "LookAtStack",
        "cloudformation:DescribeStacks",
        f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/lab/1",
        {},
        But("others", resource=f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/else/1"),
    ),
    user(
        "LookAtRoles",
        "iam:GetRole",
        f"{IAM}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        {},
        But("others", resource=f"{IAM}:role/admin"),
    ),
    user(
        "LookAtRoles",
        "iam:GetPolicy",
        MACHINES,
        {},
        But("others", resource=f"{IAM}:policy/else"),
    ),
)
