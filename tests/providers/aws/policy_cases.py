"""What each statement of the policies is to allow, and what it must refuse: one table.

A case is a request that its statement allows, and what must be refused though it differs from that
request in one thing alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.providers.aws.evaluator import ACCOUNT

__all__ = ["CASES", "OTHER_PROJECT", "PROJECT", "Case", "Who"]

PROJECT, OTHER_PROJECT = "tutorial-0a1b2c3d", "tutorial-ffffffff"
REGION = "us-west-2"
BUCKET, KEY_ARN = "arn:aws:s3:::lab", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
IAM = f"arn:aws:iam::{ACCOUNT}"
GROUP = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:1:autoScalingGroupName/t"
ROLE = f"{IAM}:role/cryoem/lab/cryoem-lab-{PROJECT}"
PROFILE = f"{IAM}:instance-profile/cryoem/lab/cryoem-lab-{PROJECT}"
MACHINES = f"{IAM}:policy/cryoem/lab/cryoem-lab-{REGION}-machines"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"

Context = Mapping[str, str | list[str]]
Who = str
OURS: Context = {"aws:ResourceTag/cryoem:stack": "lab"}
THEIRS: Context = {"aws:ResourceTag/cryoem:stack": "else"}
NEW: Context = {"aws:RequestTag/cryoem:stack": "lab", "aws:TagKeys": ["cryoem:stack"]}
OWN: Context = {**OURS, "aws:ResourceTag/cryoem:project": PROJECT}
NO_TAG: Context = {"aws:ResourceTag/cryoem:stack": "", "aws:ResourceTag/cryoem:project": ""}


@dataclass(frozen=True, slots=True)
class But:
    """What is different, and to be refused."""

    what: str
    action: str = ""
    resource: str = ""
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A request that a statement allows to somebody, and those that are refused."""

    who: Who
    sid: str
    action: str
    resource: str
    context: Context = field(default_factory=dict)
    but: tuple[But, ...] = ()


def _machine(sid: str, action: str, resource: str, context: Context, *but: But) -> Case:
    return Case("machine", sid, action, resource, context, but)


def _user(sid: str, action: str, resource: str, context: Context, *but: But) -> Case:
    return Case("user", sid, action, resource, context, but)


def _own_groups(sid: str, action: str, more: Context) -> Case:
    return _machine(
        sid,
        action,
        GROUP,
        {**OWN, **more},
        But("another project's group", context={**OWN, **more, _PROJECT_TAG: OTHER_PROJECT}),
        But("another stack's group", context={**OWN, **more, _STACK_TAG: "else"}),
        But("a group without tags", context={**NO_TAG, **more}),
    )


_PROJECT_TAG, _STACK_TAG = "aws:ResourceTag/cryoem:project", "aws:ResourceTag/cryoem:stack"
_SCHEDULE = "autoscaling:PutScheduledUpdateGroupAction"

OF_MACHINES = (
    *(
        _machine(
            "ProjectFiles",
            f"s3:{action}",
            f"{BUCKET}/lab/{PROJECT}/jobs/00000007/job.json",
            {},
            But("another project's", resource=f"{BUCKET}/lab/{OTHER_PROJECT}/project.json"),
            But("a project whose name begins so", resource=f"{BUCKET}/lab/{PROJECT}2/a"),
            But("the numbers of jobs", resource=f"{BUCKET}/lab/ids/00000001"),
            But("another bucket", resource=f"arn:aws:s3:::else/lab/{PROJECT}/a"),
            But("beside the store", resource=f"{BUCKET}/{PROJECT}/a"),
            But("deleting", action="s3:DeleteObject"),
        )
        for action in (
            "GetObject",
            "PutObject",
            "AbortMultipartUpload",
            "ListMultipartUploadParts",
        )
    ),
    _machine(
        "ProjectList",
        "s3:ListBucket",
        BUCKET,
        {"s3:prefix": f"lab/{PROJECT}/jobs/"},
        But("the bucket's root", context={}),
        But("the bucket's root, said so", context={"s3:prefix": ""}),
        But("the store's root", context={"s3:prefix": "lab/"}),
        But("another project", context={"s3:prefix": f"lab/{OTHER_PROJECT}/"}),
        But("another bucket", resource="arn:aws:s3:::else"),
    ),
    _machine(
        "AgentArchive",
        "s3:GetObject",
        f"{BUCKET}/lab/@agent/00ff.tar.gz",
        {},
        But("changing it", action="s3:PutObject"),
        But("what lies beside it", resource=f"{BUCKET}/lab/@image/00ff"),
    ),
    *(
        _own_groups("OwnGroupShrinks", f"autoscaling:{action}", {})
        for action in ("TerminateInstanceInAutoScalingGroup", "DeleteAutoScalingGroup")
    ),
    _own_groups("OwnGroupEndsLater", _SCHEDULE, {"autoscaling:MaxSize": "0"}),
    _machine(
        "OwnGroupEndsLater",
        _SCHEDULE,
        GROUP,
        {**OWN, "autoscaling:MaxSize": "0"},
        But("planning machines", context={**OWN, "autoscaling:MaxSize": "4"}),
        But("planning a size without a limit", context=OWN),
        But("raising it now", action="autoscaling:SetDesiredCapacity", context=OWN),
        But("changing the group", action="autoscaling:UpdateAutoScalingGroup", context=OWN),
    ),
    _machine(
        "OwnState",
        "ec2:CreateTags",
        f"{EC2}:instance/i-1",
        {**OWN, "aws:TagKeys": ["cryoem:state", "cryoem:why"]},
        But(
            "another project's machine",
            context={**OWN, _PROJECT_TAG: OTHER_PROJECT, "aws:TagKeys": ["cryoem:state"]},
        ),
        But("another tag", context={**OWN, "aws:TagKeys": ["cryoem:state", "cryoem:project"]}),
        But("a machine of others", context={**NO_TAG, "aws:TagKeys": ["cryoem:state"]}),
        But("a template", resource=f"{EC2}:launch-template/lt-1"),
        But("removing tags", action="ec2:DeleteTags"),
        But("ending it past its group", action="ec2:TerminateInstances", context=OWN),
    ),
)

NOTHING_ELSE: tuple[tuple[Who, str, str, Context], ...] = (
    ("machine", "ec2:DescribeInstances", "*", {}),
    ("machine", "autoscaling:DescribeAutoScalingGroups", "*", {}),
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

_TEMPLATE = f"{EC2}:launch-template/lt-1"
_NOT_NEW: Context = {"aws:RequestTag/cryoem:stack": "else", "aws:TagKeys": ["cryoem:stack"]}
_MADE: Context = {**NEW, "ec2:CreateAction": "RunInstances"}

OF_USERS = (
    *(
        _user(
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
            "AbortMultipartUpload",
            "ListMultipartUploadParts",
        )
    ),
    _user(
        "StoreList",
        "s3:ListBucket",
        BUCKET,
        {"s3:prefix": "lab/"},
        But("the bucket's root", context={}),
        But("what lies beside the store", context={"s3:prefix": "laboratory/"}),
        But("another bucket", resource="arn:aws:s3:::else"),
    ),
    _user(
        "StoreLook",
        "s3:GetBucketPublicAccessBlock",
        BUCKET,
        {},
        But("another bucket", resource="arn:aws:s3:::else"),
        But("changing it", action="s3:PutBucketPublicAccessBlock"),
    ),
    _user("StoreLook", "s3:GetBucketLocation", BUCKET, {}),
    _user(
        "MakeTemplate",
        "ec2:CreateLaunchTemplate",
        f"{EC2}:launch-template/*",
        NEW,
        But("without the tag", context={}),
        But("with another stack's", context=_NOT_NEW),
    ),
    _user(
        "RemoveTemplate",
        "ec2:DeleteLaunchTemplate",
        _TEMPLATE,
        OURS,
        But("of others", context=THEIRS),
        But("without tags", context={}),
        But("changing it", action="ec2:CreateLaunchTemplateVersion"),
    ),
    *(
        _user(
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
    _user(
        "TagWhatIsMade",
        "ec2:CreateTags",
        f"{EC2}:launch-template/*",
        {**NEW, "ec2:CreateAction": "CreateLaunchTemplate"},
    ),
    _user(
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
    _user(
        "LaunchFromTemplate",
        "ec2:RunInstances",
        _TEMPLATE,
        OURS,
        But("of others", context=THEIRS),
        But("without tags", context={}),
    ),
    *(
        _user(
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
        _user("LaunchInNetwork", "ec2:RunInstances", resource, {}, *but)
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
    _user(
        "MakeGroup",
        "autoscaling:CreateAutoScalingGroup",
        GROUP,
        NEW,
        But("without the tag", context={}),
        But("with another stack's", context=_NOT_NEW),
    ),
    *(
        _user(
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
            "SetDesiredCapacity",
            "SuspendProcesses",
            "TerminateInstanceInAutoScalingGroup",
            "UpdateAutoScalingGroup",
        )
    ),
    *(
        _user(
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
    _user(
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
        _user(
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
    _user(
        "GiveMachinePolicy",
        "iam:AttachRolePolicy",
        ROLE,
        {"iam:PolicyARN": MACHINES},
        But("AdministratorAccess", context={"iam:PolicyARN": ADMIN}),
        But("to another role", resource=f"{IAM}:role/admin"),
    ),
    *(
        _user(
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
    _user(
        "PassRole",
        "iam:PassRole",
        ROLE,
        {"iam:PassedToService": "ec2.amazonaws.com"},
        But("another role", resource=f"{IAM}:role/admin"),
        But("another stack's role", resource=f"{IAM}:role/cryoem/else/r"),
        But("to another service", context={"iam:PassedToService": "lambda.amazonaws.com"}),
    ),
    _user(
        "LookAtMachines",
        "ec2:DescribeInstances",
        "*",
        {},
        But("other listings", action="ec2:DescribeVpnConnections"),
    ),
    _user("LookAtMachines", "autoscaling:DescribeAutoScalingGroups", "*", {}),
    _user(
        "LookAtPrices", "pricing:GetProducts", "*", {}, But("the bill", action="ce:GetCostAndUsage")
    ),
    _user(
        "LookAtPrices",
        "servicequotas:GetServiceQuota",
        f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:ec2/L-1",
        {},
        But("asking for more", action="servicequotas:RequestServiceQuotaIncrease"),
    ),
    _user(
        "LookUpImages",
        "ssm:GetParameter",
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/aws/service/canonical/ubuntu/x",
        {},
        But("the account's own", resource=f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/secret"),
    ),
    _user(
        "LookAtStack",
        "cloudformation:DescribeStacks",
        f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/lab/1",
        {},
        But("others", resource=f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/else/1"),
    ),
    _user(
        "LookAtRoles",
        "iam:GetRole",
        f"{IAM}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        {},
        But("others", resource=f"{IAM}:role/admin"),
    ),
    _user(
        "LookAtRoles",
        "iam:GetPolicy",
        MACHINES,
        {},
        But("others", resource=f"{IAM}:policy/else"),
    ),
)

_SESSION_OF = "ssm:resourceTag/aws:ssmmessages:session-id"
OF_SESSIONS = (
    Case(
        "session",
        "OpenSession",
        "ssm:StartSession",
        f"{EC2}:instance/i-1",
        {"ssm:resourceTag/cryoem:stack": "lab"},
        (
            But("other machines", context={"ssm:resourceTag/cryoem:stack": "else"}),
            But("machines without tags", context={}),
        ),
    ),
    Case(
        "session",
        "SessionKind",
        "ssm:StartSession",
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/AWS-StartSSHSession",
        {},
        (
            But(
                "another kind",
                resource=f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/AWS-RunShellScript",
            ),
        ),
    ),
    Case(
        "session",
        "SessionKind",
        "ssm:StartSession",
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/SSM-SessionManagerRunShell",
    ),
    *(
        Case(
            "session",
            "OwnSessions",
            f"ssm:{action}",
            f"arn:aws:ssm:{REGION}:{ACCOUNT}:session/ann-1",
            {"aws:userid": "AIDA1", _SESSION_OF: "AIDA1"},
            (But("somebody else's", context={"aws:userid": "AIDA1", _SESSION_OF: "AIDA2"}),),
        )
        for action in ("TerminateSession", "ResumeSession")
    ),
    Case(
        "machine with sessions",
        "HearSessions",
        "ssmmessages:OpenDataChannel",
        "*",
        {},
        (But("running commands", action="ssm:SendCommand"),),
    ),
)

_VIA: Context = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
OF_KEYS = tuple(
    Case(f"{who} with a key", "BucketKey", f"kms:{action}", KEY_ARN, _VIA,
         (But("another key", resource=f"{KEY_ARN}2"),
          But("past S3", context={"kms:ViaService": f"ec2.{REGION}.amazonaws.com"})))
    for who in ("machine", "user")
    for action in ("Decrypt", "GenerateDataKey")
)  # fmt: skip

CASES = (*OF_MACHINES, *OF_USERS, *OF_SESSIONS, *OF_KEYS)
