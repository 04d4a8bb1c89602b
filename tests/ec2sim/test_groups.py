"""Auto Scaling groups: what is refused, found and deleted; each sentence is in README.md."""

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Client, Connect, code_of, states
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.grouping import MINUTE, Make, activities, members, shown, spot, zones
from tests.ec2sim.images import IMAGES


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ({}, "AlreadyExists", "A group with the name g already exists"),
        ({"MinSize": 5}, "ValidationError", "Max bound, 4, must be greater"),
        ({"DesiredCapacity": 9}, "ValidationError", "Desired capacity:9 must be between"),
        ({"VPCZoneIdentifier": ","}, "ValidationError", "At least one Availability Zone"),
        ({"VPCZoneIdentifier": "subnet-1"}, "ValidationError", "subnet-1' does not exist"),
        (
            {"LaunchTemplate": {"LaunchTemplateName": "none"}},
            "ValidationError",
            "valid fully-formed launch template",
        ),
        ({"MixedInstancesPolicy": spot("m5.large")}, "ValidationError", "must contain either"),
        ({"CapacityRebalance": True}, "NotSimulated", "CapacityRebalance"),
    ],
)
def test_what_is_wrong_is_refused(make: Make, asked: dict[str, Any], code: str, words: str) -> None:
    make()
    name = "other" if asked else "g"
    if "MixedInstancesPolicy" in asked:
        asked = {**asked, "LaunchTemplate": {"LaunchTemplateName": "job"}}
    with pytest.raises(ClientError, match=words) as refused:
        make(AutoScalingGroupName=name, **asked)
    assert code_of(refused.value) == code


def test_suspended_processes_do_nothing(cloud: Cloud, autoscaling: Client, make: Make) -> None:
    make()
    autoscaling.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["Launch"])
    autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=1)
    cloud.clock.skip(MINUTE)
    assert members(autoscaling) == []
    autoscaling.resume_processes(AutoScalingGroupName="g", ScalingProcesses=["Launch"])
    cloud.clock.skip(MINUTE)
    assert len(members(autoscaling)) == 1
    autoscaling.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["Terminate"])
    autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0)
    cloud.clock.skip(MINUTE)
    assert len(members(autoscaling)) == 1
    with pytest.raises(ClientError, match="Invalid scaling process"):
        autoscaling.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["Walk"])


def test_a_group_is_deleted_with_its_instances_by_force_only(
    cloud: Cloud, ec2: Client, autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=2)
    ids = members(autoscaling)
    with pytest.raises(ClientError) as refused:
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName="g")
    assert code_of(refused.value) == "ResourceInUse"
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
    assert shown(autoscaling)["Status"] == "Delete in progress"
    with pytest.raises(ClientError, match="already exists"):
        make()
    with pytest.raises(ClientError, match="being deleted"):
        autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=1)
    cloud.clock.skip(2 * MINUTE)
    assert autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert states(ec2, ids) == ["terminated"] * 2
    assert cloud.living() == []
    assert activities(autoscaling) == []
    kept = autoscaling.describe_scaling_activities(IncludeDeletedGroups=True)["Activities"]
    assert len(kept) == 4
    make()


def test_an_empty_group_is_deleted_without_force(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    make()
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="g")
    cloud.clock.skip(MINUTE)
    assert autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_groups_are_found_by_their_tags(autoscaling: Client, make: Make) -> None:
    make(Tags=[{"Key": "project", "Value": "p1"}])
    make(AutoScalingGroupName="h", Tags=[{"Key": "project", "Value": "p2"}])
    found = autoscaling.describe_auto_scaling_groups(
        Filters=[{"Name": "tag:project", "Values": ["p2"]}]
    )["AutoScalingGroups"]
    assert [each["AutoScalingGroupName"] for each in found] == ["h"]
    tag = {"ResourceId": "h", "ResourceType": "auto-scaling-group", "Key": "end"}
    autoscaling.create_or_update_tags(Tags=[{**tag, "Value": "1", "PropagateAtLaunch": False}])
    assert {each["Key"] for each in autoscaling.describe_tags()["Tags"]} == {"project", "end"}
    autoscaling.delete_tags(Tags=[tag])
    assert {each["Key"] for each in autoscaling.describe_tags()["Tags"]} == {"project"}


def test_long_lists_come_in_pages(autoscaling: Client, make: Make) -> None:
    for each in "abc":
        make(AutoScalingGroupName=each)
    pages = autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
        PaginationConfig={"PageSize": 2}
    )
    names = [[each["AutoScalingGroupName"] for each in one["AutoScalingGroups"]] for one in pages]
    assert names == [["a", "b"], ["c"]]


def test_the_service_linked_role_is_made_once(connect: Connect, make: Make) -> None:
    make()
    make(AutoScalingGroupName="h")
    roles = [each["RoleName"] for each in connect("iam").list_roles()["Roles"]]
    assert roles.count("AWSServiceRoleForAutoScaling") == 1


def test_what_would_be_passed_over_is_refused(autoscaling: Client, make: Make) -> None:
    make()
    with pytest.raises(ClientError, match="HonorCooldown of SetDesiredCapacity") as refused:
        autoscaling.set_desired_capacity(
            AutoScalingGroupName="g", DesiredCapacity=1, HonorCooldown=True
        )
    assert code_of(refused.value) == "NotSimulated"
    with pytest.raises(ClientError, match="DetachInstances of Auto Scaling"):
        autoscaling.detach_instances(AutoScalingGroupName="g", ShouldDecrementDesiredCapacity=True)


def test_a_hundred_machines_are_few_calls(cloud: Cloud, autoscaling: Client, make: Make) -> None:
    make(MaxSize=100, DesiredCapacity=100)
    cloud.door.calls.clear()
    assert len(members(autoscaling)) == 100
    assert cloud.door.calls == ["autoscaling.DescribeAutoScalingGroups"]
    assert sorted(zones(autoscaling).values()) == [50, 50]


def test_a_template_that_could_not_be_launched_is_refused(
    autoscaling: Client, ec2: Client, make: Make
) -> None:
    make()
    for name, more, words in (
        ("none", {"IamInstanceProfile": {"Name": "no"}}, "Invalid IAM Instance Profile name"),
        ("big", {"UserData": base64.b64encode(b"x" * 16385).decode()}, "16384 bytes"),
    ):
        data = {"ImageId": IMAGES[0].id_in("us-east-1"), "InstanceType": "m5.large", **more}
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
        with pytest.raises(ClientError, match="valid fully-formed launch template") as refused:
            make(AutoScalingGroupName=name, LaunchTemplate={"LaunchTemplateName": name})
        assert words in str(refused.value)
