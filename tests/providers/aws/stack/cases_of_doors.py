"""What who has the policy ssh may do besides: make and use security groups of jobs."""

from tests.providers.aws.stack.asked import EC2, But, Case, Context

__all__ = ["OF_DOORS"]

_TOKEN = "cryoem:token"
_VPC = f"{EC2}:vpc/vpc-1"
_GROUP = f"{EC2}:security-group/sg-7"
_NEW: Context = {
    "aws:RequestTag/cryoem:stack": "lab",
    "aws:RequestTag/cryoem:token": "t",
    "aws:TagKeys": ["cryoem:stack", _TOKEN],
}
_OF_JOB: Context = {"aws:ResourceTag/cryoem:stack": "lab", "aws:ResourceTag/cryoem:token": "t"}
_OF_STACK: Context = {"aws:ResourceTag/cryoem:stack": "lab"}
_OF_OTHERS: Context = {"aws:ResourceTag/cryoem:stack": "else", "aws:ResourceTag/cryoem:token": "t"}
_HERE: Context = {"ec2:Vpc": _VPC}


def _door(sid: str, action: str, resource: str, context: Context, *but: But) -> Case:
    return Case("door", sid, action, resource, context, but)


OF_DOORS = (
    _door(
        "MakeDoor",
        "ec2:CreateSecurityGroup",
        f"{EC2}:security-group/*",
        _NEW,
        But("without tags", context={}),
        But("without an order's", context={"aws:RequestTag/cryoem:stack": "lab"}),
        But("with another stack's", context={**_NEW, "aws:RequestTag/cryoem:stack": "else"}),
    ),
    _door(
        "MakeDoorInNetwork",
        "ec2:CreateSecurityGroup",
        _VPC,
        {},
        But("another network", resource=f"{EC2}:vpc/vpc-9"),
    ),
    _door(
        "TagDoor",
        "ec2:CreateTags",
        f"{EC2}:security-group/*",
        {**_NEW, "ec2:CreateAction": "CreateSecurityGroup"},
        But("one that is there", context=_NEW),
        But("an instance", resource=f"{EC2}:instance/i-1"),
        But(
            "with another stack's",
            context={
                **_NEW,
                "aws:RequestTag/cryoem:stack": "else",
                "ec2:CreateAction": "CreateSecurityGroup",
            },
        ),
    ),
    *(
        _door(
            "UseDoor",
            f"ec2:{action}",
            _GROUP,
            {**_OF_JOB, **_HERE},
            But("the stack's own", context={**_OF_STACK, **_HERE}),
            But("of others", context={**_OF_OTHERS, **_HERE}),
            But("without tags", context=_HERE),
            But("in another network", context={**_OF_JOB, "ec2:Vpc": f"{EC2}:vpc/vpc-9"}),
            But("letting more out", action="ec2:AuthorizeSecurityGroupEgress"),
        )
        for action in (
            "AuthorizeSecurityGroupIngress",
            "DeleteSecurityGroup",
            "RevokeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
        )
    ),
    _door(
        "LaunchWithDoor",
        "ec2:RunInstances",
        _GROUP,
        _OF_JOB,
        But("with another's", context=_OF_OTHERS),
        But("without tags", context={}),
        But("a key pair", resource=f"{EC2}:key-pair/k"),
    ),
)
