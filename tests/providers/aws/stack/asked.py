"""What tables of cases are written with: an account, and requests with what is beside them.

A case is a request that its statement allows, and what must be refused though it differs from that
request in one thing alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.providers.aws.stack.evaluator import ACCOUNT

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


def machine(sid: str, action: str, resource: str, context: Context, *but: But) -> Case:
    """Of a machine."""
    return Case("machine", sid, action, resource, context, but)


def user(sid: str, action: str, resource: str, context: Context, *but: But) -> Case:
    """Of a user."""
    return Case("user", sid, action, resource, context, but)
