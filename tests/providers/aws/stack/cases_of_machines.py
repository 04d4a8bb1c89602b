"""What machines may do, and sessions, and who looks at bills or uses the bucket's key."""

from cryoem_cloud.providers.aws.names import build_token
from tests.providers.aws.stack.asked import (
    BUCKET,
    EC2,
    GROUP,
    KEY_ARN,
    NO_TAG,
    OTHER_PROJECT,
    OWN,
    PROJECT,
    REGION,
    But,
    Case,
    Context,
    machine,
)
from tests.providers.aws.stack.evaluator import ACCOUNT

__all__ = ["OF_BILLS", "OF_KEYS", "OF_MACHINES", "OF_SESSIONS"]


def _own_groups(sid: str, action: str, more: Context) -> Case:
    return machine(
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
LISTINGS = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScheduledActions",
    "ec2:DescribeInstances",
    "ec2:DescribeTags",
    "s3:ListAllMyBuckets",
    "iam:ListRoles",
)
_BUILD = build_token("relion", 1795976994)
_OTHERS_WORD = {
    "the provider's word": "ledger/00000007/machines/i-1/provider/20261129T080000Z",
    "a courier's word": "ledger/00000007/machines/i-1/someone-at-lab/20261129T080000Z",
    "a courier's requests": "ledger/00000007/usage/courier-00ff/2026-11-000001",
    "what the store holds": "ledger/store/2026-11-29",
    "what jobs took": "ledger/measured/00000007/g6e.xlarge",
    "the project": "project.json",
    "a file that was sent from home": "mirror/Micrographs/a.mrc",
    "what installs an image's programs": f"{_BUILD}/script",
}

OF_MACHINES = (
    *(
        machine(
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
        for action in ("GetObject", "AbortMultipartUpload", "ListMultipartUploadParts")
    ),
    *(
        machine(
            "ProjectResults",
            "s3:PutObject",
            f"{BUCKET}/lab/{PROJECT}/{key}",
            {},
            But("another project's", resource=f"{BUCKET}/lab/{OTHER_PROJECT}/{key}"),
            But("another bucket", resource=f"arn:aws:s3:::else/lab/{PROJECT}/{key}"),
            But("beside the store", resource=f"{BUCKET}/{PROJECT}/{key}"),
            But("deleting", action="s3:DeleteObject"),
            *(
                But(what, resource=f"{BUCKET}/lab/{PROJECT}/{written}")
                for what, written in _OTHERS_WORD.items()
            ),
        )
        for key in (
            "jobs/00000007/turns/main/000001",
            "index/00000003",
            "gains/00ff",
            "ledger/00000007/machines/i-1/agent/20261129T080000Z",
            "ledger/00000007/usage/agent-i-1-00ff/2026-11-000001",
            f"{_BUILD}/log",
            f"{_BUILD}/result",
        )
    ),
    machine(
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
    machine(
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
    machine(
        "OwnGroupEndsLater",
        _SCHEDULE,
        GROUP,
        {**OWN, "autoscaling:MaxSize": "0"},
        But("planning machines", context={**OWN, "autoscaling:MaxSize": "4"}),
        But("planning a size without a limit", context=OWN),
        But("raising it now", action="autoscaling:SetDesiredCapacity", context=OWN),
        But("changing the group", action="autoscaling:UpdateAutoScalingGroup", context=OWN),
    ),
    machine(
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
        *(
            But(f"listing the account by {action}", action=action, resource="*", context=OWN)
            for action in LISTINGS
        ),
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

OF_BILLS = (
    Case(
        "accountant",
        "LookAtBill",
        "ce:GetCostAndUsage",
        "*",
        {},
        (But("what costs more to ask", action="ce:GetCostAndUsageWithResources"),),
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
