"""What AWS would do, asked without doing it: DryRun of EC2's calls, and a change set."""

import json
import time
from collections.abc import Mapping
from typing import Any

from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.images import image_for
from cryoem_cloud.providers.aws.kinds import architecture_of, described
from cryoem_cloud.providers.aws.names import RAISED, role_of, tagged
from cryoem_cloud.providers.aws.roles import make_role
from cryoem_cloud.providers.aws.stack.choices import Choices
from cryoem_cloud.providers.aws.stack.formation import Formation
from cryoem_cloud.providers.aws.stack.template import tags_of_stack, template
from cryoem_cloud.providers.aws.template import tags_for, template_data
from tests.live_aws.report import FailedError, Report

__all__ = ["dry_runs", "dry_runs_of_machine", "look_at_changes"]

_DRY, _DENIED = "DryRunOperation", "UnauthorizedOperation"
_POLL_S = 2.0
_MOST_POLLS = 60


def look_at_changes(report: Report, calls: Calls, choices: Choices) -> None:
    """Have CloudFormation compare the template with nothing, and forget it."""
    name = choices.stack.replace("live-", "look-", 1)
    with report.step("CreateChangeSet", "CloudFormation takes the template; not executed"):
        calls.ask(
            "cloudformation",
            "create_change_set",
            StackName=name,
            ChangeSetName="look",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps(template(choices)),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=tagged(tags_of_stack(choices)),
        )
        asked: dict[str, Any] = {"StackName": name, "ChangeSetName": "look"}
        try:
            found = _compared(calls, asked)
            wanted = set(template(choices)["Resources"])
            added = {each["ResourceChange"]["LogicalResourceId"] for each in found["Changes"]}
            if found["Status"] != "CREATE_COMPLETE" or added != wanted:
                raise FailedError(f"{found['Status']}: {found.get('StatusReason', '')}")
        finally:
            calls.ask("cloudformation", "delete_change_set", **asked)
            Formation(calls, name, time.sleep).delete()


def dry_runs(report: Report, user: Calls, account: Account, *, project: str, kind: str) -> str:
    """Of what a launch calls, as a user; the ARN of the project's role, which is made for that."""
    order = Order(
        token=f"{project}-00000001-1",
        store=account.store,
        project=project,
        job=1,
        count=1,
        offer=Offer((kind,), Market.SPOT),
        owner="live",
    )
    with report.step("CreateRole, CreateInstanceProfile", "a user makes a project's role"):
        make_role(user, account, project)
    image = image_for(user, account, architecture_of(described(user, kind)))
    asked: dict[str, Any] = {
        "LaunchTemplateName": order.token,
        "LaunchTemplateData": template_data(account, order, image=image, user_data="#!/bin/sh\n"),
        "TagSpecifications": [
            {"ResourceType": "launch-template", "Tags": tagged(tags_for(account, order))}
        ],
    }
    _dry(report, user, "create_launch_template", asked)
    made = user.ask("ec2", "create_launch_template", **asked)["LaunchTemplate"]
    named: dict[str, Any] = {"LaunchTemplateName": order.token}
    try:
        launch = {"LaunchTemplate": named, "MinCount": 1, "MaxCount": 1}
        _dry(report, user, "run_instances", {**launch, "SubnetId": account.subnets[0]})
        raised = {"Resources": [made["LaunchTemplateId"]], "Tags": tagged({RAISED: "yes"})}
        _dry(report, user, "create_tags", raised)
        _dry(report, user, "deregister_image", {"ImageId": image.id}, may=False)
        _dry(report, user, "delete_launch_template", named)
    finally:
        user.ask("ec2", "delete_launch_template", **named)
    name = role_of(account.stack, account.region, project)
    found = user.ask("iam", "get_instance_profile", InstanceProfileName=name)
    return str(found["InstanceProfile"]["Roles"][0]["Arn"])


def dry_runs_of_machine(report: Report, user: Calls, machine: str) -> None:
    """Of what ends a machine, as a user, while there is one."""
    found = user.ask("ec2", "describe_instances", InstanceIds=[machine])
    disks = found["Reservations"][0]["Instances"][0]["BlockDeviceMappings"]
    _dry(report, user, "terminate_instances", {"InstanceIds": [machine]})
    _dry(report, user, "get_console_output", {"InstanceId": machine})
    _dry(report, user, "delete_volume", {"VolumeId": disks[0]["Ebs"]["VolumeId"]})


def _dry(
    report: Report, calls: Calls, action: str, asked: Mapping[str, Any], *, may: bool = True
) -> None:
    expected = _DRY if may else _DENIED
    name = "".join(word.capitalize() for word in action.split("_"))
    with report.step(f"{name}, DryRun as a user", expected):
        try:
            calls.ask("ec2", action, expected=(_DRY, _DENIED), DryRun=True, **asked)
        except Refused as refused:
            if refused.code != expected:
                raise FailedError(f"{refused.code}: {refused.said}") from refused
        else:
            raise FailedError("AWS did it, though it was told not to")


def _compared(calls: Calls, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(_MOST_POLLS):
        found = calls.ask("cloudformation", "describe_change_set", **asked)
        if not found["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
            return found
        time.sleep(_POLL_S)
    raise FailedError("CloudFormation does not come to an end with comparing")
