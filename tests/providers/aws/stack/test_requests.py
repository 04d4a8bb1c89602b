"""The requests that a courier really makes are those that the users' policies allow."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from cryoem_cloud.model.door import Door
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.wiring.clock import SystemClock
from tests.providers.aws.conftest import order
from tests.providers.aws.stack.evaluator import ACCOUNT, Question, judged
from tests.providers.aws.stack.lab import REGION, Lab

EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
IAM = f"arn:aws:iam::{ACCOUNT}"
GROUP = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:1:autoScalingGroupName"
Tags = list[Mapping[str, Any]]
Context = dict[str, str | list[str]]
Asked = tuple[str, str, Context]


@dataclass
class Noting(Calls):
    """Calls that are noted down."""

    calls: Calls
    noted: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls._env, calls.region)
        self.noted = []

    def ask(
        self, service: str, action: str, *, expected: tuple[str, ...] = (), **asked: object
    ) -> dict[str, Any]:
        self.noted.append((service, action, asked))
        return super().ask(service, action, expected=expected, **asked)

    def pages(
        self, service: str, action: str, field: str, **asked: object
    ) -> Iterator[dict[str, Any]]:
        self.noted.append((service, action, asked))
        return super().pages(service, action, field, **asked)


def new(tags: Tags) -> Context:
    """What IAM knows of what is made with these tags."""
    context: Context = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
    return {**context, "aws:TagKeys": [str(tag["Key"]) for tag in tags]}


def there(tags: Tags) -> Context:
    """What IAM knows of what has these tags."""
    return {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in tags}


@dataclass
class Iam:
    """What IAM is asked for each request, with what it knows of it.

    The actions, resources and context keys are those of the Service Authorization Reference.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    template: Tags = field(default_factory=list)
    group: Tags = field(default_factory=list)
    door: Tags = field(default_factory=list)
    network: str = ""

    def asked(self, service: str, action: str, of: Mapping[str, Any]) -> Iterator[Asked]:
        """For one request."""
        special: dict[str, Callable[[Mapping[str, Any]], Iterator[Asked]]] = {
            "create_launch_template": self._template,
            "create_auto_scaling_group": self._group,
            "create_tags": self._tags,
            "create_security_group": self._door,
            "create_role": self._role,
            "create_instance_profile": self._profile,
            "add_role_to_instance_profile": self._filled,
        }
        name = "".join(map(str.capitalize, action.split("_")))
        if (
            action.endswith(("security_group_ingress", "security_group_egress"))
            or action == "delete_security_group"
        ):
            special[action] = self._of_door(name)
        if action in special:
            yield from special[action](of)
        elif service == "iam":
            profile = of.get("InstanceProfileName", "")
            what = (
                f"instance-profile/{profile}" if profile else f"role/cryoem/cryoem/{of['RoleName']}"
            )
            known: Context = {"iam:PolicyARN": of["PolicyArn"]} if "PolicyArn" in of else {}
            yield f"iam:{name}", f"{IAM}:{what}", known
        elif service == "ssm":
            yield f"ssm:{name}", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{of['Name']}", {}
        elif action == "delete_launch_template":
            yield f"ec2:{name}", f"{EC2}:launch-template/lt-1", there(self.template)
        elif "AutoScalingGroupName" in of and not action.startswith("describe"):
            size: Context = {}
            if "schedule" in action:
                size = {"autoscaling:MaxSize": str(of["MaxSize"])}
            yield f"{service}:{name}", f"{GROUP}/g", {**there(self.group), **size}
        else:
            yield f"{service}:{name}", "*", {}

    def _template(self, of: Mapping[str, Any]) -> Iterator[Asked]:
        self.data, self.template = of["LaunchTemplateData"], of["TagSpecifications"][0]["Tags"]
        made = new(self.template)
        yield "ec2:CreateLaunchTemplate", f"{EC2}:launch-template/*", made
        why: Context = {"ec2:CreateAction": "CreateLaunchTemplate"}
        yield "ec2:CreateTags", f"{EC2}:launch-template/*", {**made, **why}

    def _group(self, of: Mapping[str, Any]) -> Iterator[Asked]:
        self.group = of["Tags"]
        yield "autoscaling:CreateAutoScalingGroup", f"{GROUP}/g", new(self.group)
        run = "ec2:RunInstances"
        yield run, f"{EC2}:launch-template/lt-1", there(self.template)
        why: Context = {"ec2:CreateAction": "RunInstances"}
        tagged = {each["ResourceType"]: each["Tags"] for each in self.data["TagSpecifications"]}
        for kind in ("instance", "volume"):
            yield run, f"{EC2}:{kind}/*", new(tagged[kind])
            yield "ec2:CreateTags", f"{EC2}:{kind}/*", {**new(tagged[kind]), **why}
        assert set(tagged) == {"instance", "volume"}
        for subnet in of["VPCZoneIdentifier"].split(","):
            yield run, f"{EC2}:subnet/{subnet}", {}
        gate, *doors = self.data["SecurityGroupIds"]
        yield run, f"{EC2}:security-group/{gate}", {}
        for door in doors:
            yield run, f"{EC2}:security-group/{door}", there(self.door)
        yield run, f"{EC2}:network-interface/*", {}
        yield run, f"arn:aws:ec2:{REGION}::image/{self.data['ImageId']}", {}
        assert not {"KeyName", "Placement", "CapacityReservationSpecification"} & set(self.data)
        yield from self._passed(self.data["IamInstanceProfile"]["Name"])

    def _door(self, of: Mapping[str, Any]) -> Iterator[Asked]:
        self.door, self.network = of["TagSpecifications"][0]["Tags"], f"{EC2}:vpc/{of['VpcId']}"
        made = new(self.door)
        yield "ec2:CreateSecurityGroup", f"{EC2}:security-group/*", made
        yield "ec2:CreateSecurityGroup", self.network, {}
        why: Context = {"ec2:CreateAction": "CreateSecurityGroup"}
        yield "ec2:CreateTags", f"{EC2}:security-group/*", {**made, **why}

    def _of_door(self, name: str) -> Callable[[Mapping[str, Any]], Iterator[Asked]]:
        def asked(of: Mapping[str, Any]) -> Iterator[Asked]:
            group = f"{EC2}:security-group/{of['GroupId']}"
            yield f"ec2:{name}", group, {**there(self.door), "ec2:Vpc": self.network}

        return asked

    def _tags(self, of: Mapping[str, Any]) -> Iterator[Asked]:
        keys = [str(tag["Key"]) for tag in of["Tags"]]
        known: Context = {**there(self.template), "aws:TagKeys": keys}
        yield "ec2:CreateTags", f"{EC2}:launch-template/lt-1", known

    def _role(self, of: Mapping[str, Any]) -> Iterator[Asked]:
        role, made = f"{IAM}:role{of['Path']}{of['RoleName']}", new(of["Tags"])
        bound: Context = {"iam:PermissionsBoundary": of["PermissionsBoundary"]}
        yield "iam:CreateRole", role, {**made, **bound}
        yield "iam:TagRole", role, made

    def _profile(self, of: Mapping[str, Any]) -> Iterator[Asked]:
        profile = f"{IAM}:instance-profile{of['Path']}{of['InstanceProfileName']}"
        yield "iam:CreateInstanceProfile", profile, new(of["Tags"])
        yield "iam:TagInstanceProfile", profile, new(of["Tags"])

    def _filled(self, of: Mapping[str, Any]) -> Iterator[Asked]:
        profile = f"{IAM}:instance-profile/cryoem/cryoem/{of['InstanceProfileName']}"
        yield "iam:AddRoleToInstanceProfile", profile, {}
        yield from self._passed(of["RoleName"])

    def _passed(self, role: str) -> Iterator[Asked]:
        service: Context = {"iam:PassedToService": "ec2.amazonaws.com"}
        yield "iam:PassRole", f"{IAM}:role/cryoem/cryoem/{role}", service


DOOR = Door(source="203.0.113.7", key="ssh-ed25519 AAAA")
OF_DOORS = {
    "create_security_group", "revoke_security_group_egress", "authorize_security_group_ingress",
    "revoke_security_group_ingress", "delete_security_group",
}  # fmt: skip


@pytest.mark.parametrize("door", [None, DOOR], ids=["closed", "door"])
def test_each_request_of_a_couriers_is_allowed_with_what_aws_knows_of_it(
    lab: Lab, admin: Calls, door: Door | None
) -> None:
    done = lab.set_up(admin, ssh=door is not None)
    noting = Noting(admin)
    provider = AwsProvider(
        account=done.account,
        calls=noting,
        clock=SystemClock(),
        user_data=lambda *_: "#!/bin/sh\n",
        fresh_s=0.0,
    )
    wanted = order(store=done.account.store, door=door)
    provider.keep(wanted)
    lab.cloud.clock.skip(60)
    assert provider.look(wanted.token).alive
    provider.end(wanted.token)
    lab.cloud.clock.skip(600)
    provider.forget(wanted.token)
    assert {action for _, action, _ in noting.noted} >= {
        "create_auto_scaling_group", "create_role", "delete_launch_template",
        "put_scheduled_update_group_action", "update_auto_scaling_group", "suspend_processes",
    } | (OF_DOORS if door else set())  # fmt: skip

    iam = Iam()
    asked = [each for one in noting.noted for each in iam.asked(*one)]
    ssh = f"{IAM}:policy/cryoem/cryoem/cryoem-cryoem-{REGION}-ssh"
    policies = policies_of(lab, (*done.policies, *([ssh] if door else [])))
    verdicts = judged(Question(policies, *each) for each in asked)
    refused = [each for each, verdict in zip(asked, verdicts, strict=True) if not verdict.allowed]
    assert refused == []


def policies_of(lab: Lab, arns: tuple[str, ...]) -> list[dict[str, Any]]:
    """The users' policies, as they are in the account."""
    iam = lab.client("iam")
    documents = []
    for arn in arns:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        documents.append(dict(found["Document"]))
    return documents
