"""SimulatePrincipalPolicy: AWS's own judgement of the important cases of both policies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.names import PROJECT, STACK, path_of
from cryoem_cloud.providers.aws.stack.outputs import bucket_and_folder
from tests.live_aws.report import FailedError, Report

__all__ = ["judge_rights"]

_Context = Mapping[str, str]
_ELSE = "else-ffffffff"


@dataclass(frozen=True, slots=True)
class _Case:
    """May somebody do this?"""

    what: str
    action: str
    resource: str
    context: _Context
    may: bool


def _may(what: str, action: str, resource: str, context: _Context = MappingProxyType({})) -> _Case:
    return _Case(what, action, resource, context, may=True)


def _may_not(
    what: str, action: str, resource: str, context: _Context = MappingProxyType({})
) -> _Case:
    return _Case(what, action, resource, context, may=False)


@dataclass(frozen=True, slots=True)
class _Names:
    """The things that cases speak of."""

    account: Account
    number: str
    project: str

    @property
    def ec2(self) -> str:
        return f"arn:aws:ec2:{self.account.region}:{self.number}"

    @property
    def group(self) -> str:
        where = f"arn:aws:autoscaling:{self.account.region}:{self.number}"
        return f"{where}:autoScalingGroup:1:autoScalingGroupName/t"

    @property
    def store(self) -> str:
        bucket, folder = bucket_and_folder(self.account.store)
        return f"arn:aws:s3:::{bucket}/{folder}"

    @property
    def role(self) -> str:
        return f"arn:aws:iam::{self.number}:role{path_of(self.account.stack)}cryoem-live-x"


def judge_rights(
    report: Report, calls: Calls, account: Account, *, user: str, machine: str, project: str
) -> None:
    """Ask for each case; `user` and `machine` are ARNs of roles, `project` the machine's."""
    names = _Names(account, user.split(":")[4], project)
    for who, arn, cases in (
        ("a user", user, tuple(_of_users(names))),
        ("a machine", machine, tuple(_of_machines(names))),
    ):
        for case in cases:
            may = "may" if case.may else "may not"
            with report.step(
                f"SimulatePrincipalPolicy, {who}: {case.what}", f"{may} {case.action}"
            ):
                if _allowed(calls, arn, case) is not case.may:
                    raise FailedError(f"{case.action} on {case.resource}: expected: {may}")


def _allowed(calls: Calls, who: str, case: _Case) -> bool:
    found = calls.ask(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=who,
        ActionNames=[case.action],
        ResourceArns=[case.resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in case.context.items()
        ],
    )
    return bool(found["EvaluationResults"][0]["EvalDecision"] == "allowed")


def _of_users(names: _Names) -> Iterator[_Case]:
    stack = names.account.stack
    new, ours = {f"aws:RequestTag/{STACK}": stack}, {f"aws:ResourceTag/{STACK}": stack}
    theirs = {f"aws:ResourceTag/{STACK}": "else"}
    bound = names.account.machine_policy
    template, group = f"{names.ec2}:launch-template/lt-1", names.group
    instance = f"{names.ec2}:instance/i-1"
    make = "autoscaling:CreateAutoScalingGroup"
    yield _may("files of the store", "s3:PutObject", f"{names.store}/a")
    yield _may_not("files of another bucket", "s3:GetObject", "arn:aws:s3:::else/a")
    yield _may("a tagged template", "ec2:CreateLaunchTemplate", template, new)
    yield _may_not("one without a tag", "ec2:CreateLaunchTemplate", template)
    yield _may("a launch from the stack's", "ec2:RunInstances", template, ours)
    yield _may_not("a launch from another's", "ec2:RunInstances", template, theirs)
    yield _may_not("a machine without a tag", "ec2:RunInstances", instance)
    yield _may("a tagged group", make, group, new)
    yield _may_not("another's group", "autoscaling:DeleteAutoScalingGroup", group, theirs)
    yield _may_not("another's machine", "ec2:TerminateInstances", instance, theirs)
    bounded = {**new, "iam:PermissionsBoundary": bound}
    yield _may("a role within the boundary", "iam:CreateRole", names.role, bounded)
    yield _may_not("a role without one", "iam:CreateRole", names.role, new)
    admin = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
    yield _may_not("a role of an administrator", "iam:AttachRolePolicy", names.role, admin)
    yield _may_not("a user", "iam:CreateUser", f"arn:aws:iam::{names.number}:user/x")


def _of_machines(names: _Names) -> Iterator[_Case]:
    own = {f"aws:PrincipalTag/{PROJECT}": names.project}
    ours = {
        **own,
        f"aws:ResourceTag/{STACK}": names.account.stack,
        f"aws:ResourceTag/{PROJECT}": names.project,
    }
    theirs = {**ours, f"aws:ResourceTag/{PROJECT}": _ELSE}
    shrink = "autoscaling:TerminateInstanceInAutoScalingGroup"
    plan, mine = "autoscaling:PutScheduledUpdateGroupAction", f"{names.store}/{names.project}"
    yield _may("its project's files", "s3:GetObject", f"{mine}/mirror/a", own)
    yield _may("its jobs' results", "s3:PutObject", f"{mine}/jobs/1/a", own)
    yield _may_not("other files of its project", "s3:PutObject", f"{mine}/mirror/a", own)
    yield _may_not("deleting them", "s3:DeleteObject", f"{mine}/jobs/1/a", own)
    other = f"{names.store}/{_ELSE}/a"
    yield _may_not("another project's files", "s3:GetObject", other, own)
    yield _may("its group", shrink, names.group, ours)
    yield _may_not("another project's group", shrink, names.group, theirs)
    none, more = {"autoscaling:MaxSize": "0"}, {"autoscaling:MaxSize": "9"}
    yield _may("planning the end", plan, names.group, {**ours, **none})
    yield _may_not("planning more machines", plan, names.group, {**ours, **more})
    instance = f"{names.ec2}:instance/i-1"
    yield _may_not("launching", "ec2:RunInstances", instance, own)
    yield _may_not("listing machines", "ec2:DescribeInstances", "*", own)
    yield _may_not("listing groups", "autoscaling:DescribeAutoScalingGroups", "*", own)
