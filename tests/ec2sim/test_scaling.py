"""Auto Scaling keeps groups at strength, as AWS documents it; each sentence is in README.md."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Client, Connect, code_of, states
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.noboot import NoBoot

MINUTE = 60.0
Make = Callable[..., None]


@pytest.fixture
def make(cloud: Cloud, ec2: Client, autoscaling: Client, image: str) -> Make:
    """Makes the group `g` of m5.large, in us-east-1a and b."""
    data = {
        "ImageId": image,
        "InstanceType": "m5.large",
        "InstanceInitiatedShutdownBehavior": "terminate",
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [{"Key": "job", "Value": "template"}]}
        ],
    }
    ec2.create_launch_template(LaunchTemplateName="job", LaunchTemplateData=data)
    subnets = ec2.describe_subnets()["Subnets"]
    of = {each["AvailabilityZone"]: each["SubnetId"] for each in subnets}

    def group(**asked: object) -> None:
        mixed = "MixedInstancesPolicy" in asked
        wanted: dict[str, object] = {
            "AutoScalingGroupName": "g",
            "MinSize": 0,
            "MaxSize": 4,
            "VPCZoneIdentifier": f"{of['us-east-1a']},{of['us-east-1b']}",
            **({} if mixed else {"LaunchTemplate": {"LaunchTemplateName": "job"}}),
            **asked,
        }
        autoscaling.create_auto_scaling_group(**wanted)
        cloud.clock.skip(MINUTE)

    return group


def shown(autoscaling: Client, name: str = "g") -> dict[str, Any]:
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return dict(found["AutoScalingGroups"][0])


def members(autoscaling: Client) -> list[str]:
    return [each["InstanceId"] for each in shown(autoscaling)["Instances"]]


def zones(autoscaling: Client) -> Counter[str]:
    return Counter(each["AvailabilityZone"] for each in shown(autoscaling)["Instances"])


def activities(autoscaling: Client) -> list[dict[str, Any]]:
    return list(autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"])


def mixed(*types: str, **distribution: object) -> dict[str, object]:
    return {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": "job", "Version": "$Latest"},
            "Overrides": [{"InstanceType": each} for each in types],
        },
        "InstancesDistribution": distribution,
    }


def spot(*types: str) -> dict[str, object]:
    return mixed(
        *types,
        OnDemandPercentageAboveBaseCapacity=0,
        SpotAllocationStrategy="price-capacity-optimized",
    )


def test_a_group_comes_to_its_desired_capacity_evenly(
    cloud: Cloud, ec2: Client, autoscaling: Client, make: Make
) -> None:
    tags = [
        {"Key": "job", "Value": "7", "PropagateAtLaunch": True},
        {"Key": "mine", "Value": "x", "PropagateAtLaunch": False},
    ]
    make(DesiredCapacity=3, Tags=tags)
    assert sorted(zones(autoscaling).values()) == [1, 2]
    group = shown(autoscaling)
    assert {each["LifecycleState"] for each in group["Instances"]} == {"InService"}
    assert states(ec2, members(autoscaling)) == ["running"] * 3
    seen = cloud.instance(members(autoscaling)[0])
    assert seen.tags["job"] == "7"
    assert seen.tags["aws:autoscaling:groupName"] == "g"
    assert "mine" not in seen.tags
    assert seen.shutdown_behavior == "terminate"
    done = activities(autoscaling)
    assert [each["StatusCode"] for each in done] == ["Successful"] * 3
    assert done[0]["Description"].startswith("Launching a new EC2 instance: i-")
    assert "increasing the capacity from 2 to 3" in done[0]["Cause"]
    assert group["ServiceLinkedRoleARN"].endswith("AWSServiceRoleForAutoScaling")


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


def test_sizes_change_within_their_limits(cloud: Cloud, autoscaling: Client, make: Make) -> None:
    make()
    assert members(autoscaling) == []
    autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=2)
    cloud.clock.skip(MINUTE)
    assert len(members(autoscaling)) == 2
    with pytest.raises(ClientError, match="value 5 is above max value 4"):
        autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=5)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=3)
    assert shown(autoscaling)["DesiredCapacity"] == 3
    with pytest.raises(ClientError, match="value 2 is below min value 3"):
        autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=2)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=0, MaxSize=1)
    assert shown(autoscaling)["DesiredCapacity"] == 1
    cloud.clock.skip(2 * MINUTE)
    assert len(members(autoscaling)) == 1
    with pytest.raises(ClientError, match="AutoScalingGroup: no not found"):
        autoscaling.set_desired_capacity(AutoScalingGroupName="no", DesiredCapacity=1)


def test_an_instance_that_ended_or_stopped_is_replaced(
    cloud: Cloud, ec2: Client, autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=2)
    ended, stopped = members(autoscaling)
    ec2.terminate_instances(InstanceIds=[ended])
    ec2.stop_instances(InstanceIds=[stopped])
    cloud.clock.skip(3 * MINUTE)
    now = members(autoscaling)
    assert len(now) == 2
    assert not {ended, stopped} & set(now)
    assert states(ec2, [ended, stopped]) == ["terminated"] * 2
    assert any("terminated or stopped" in each["Cause"] for each in activities(autoscaling))


def test_a_hung_instance_is_replaced_after_the_grace_period(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=1, HealthCheckGracePeriod=600)
    (hung,) = members(autoscaling)
    assert isinstance(cloud.machines, NoBoot)
    cloud.machines.hang(hung)
    cloud.clock.skip(5 * MINUTE)
    assert members(autoscaling) == [hung]
    cloud.clock.skip(8 * MINUTE)
    assert hung not in members(autoscaling)
    assert len(members(autoscaling)) == 1


def test_an_instance_said_to_be_unhealthy_is_replaced(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=1)
    (ill,) = members(autoscaling)
    autoscaling.set_instance_health(InstanceId=ill, HealthStatus="Unhealthy")
    cloud.clock.skip(3 * MINUTE)
    assert members(autoscaling) != [ill]
    assert len(members(autoscaling)) == 1


def test_ending_with_decrement_shrinks_and_without_replaces(
    cloud: Cloud, ec2: Client, autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=2, MinSize=1)
    first, second = members(autoscaling)
    done = autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=first, ShouldDecrementDesiredCapacity=True
    )["Activity"]
    assert done["StatusCode"] == "InProgress"
    assert "from 2 to 1" in done["Cause"]
    assert shown(autoscaling)["DesiredCapacity"] == 1
    with pytest.raises(ClientError) as refused:
        autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=second, ShouldDecrementDesiredCapacity=True
        )
    assert "violate group's min size constraint" in str(refused.value)
    cloud.clock.skip(2 * MINUTE)
    assert members(autoscaling) == [second]
    autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=second, ShouldDecrementDesiredCapacity=False
    )
    cloud.clock.skip(2 * MINUTE)
    assert states(ec2, [first, second]) == ["terminated"] * 2
    assert len(members(autoscaling)) == 1
    with pytest.raises(ClientError, match="No managed instance found"):
        autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=first, ShouldDecrementDesiredCapacity=True
        )


def test_who_is_ending_already_does_not_shrink_the_group_twice(
    autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=2)
    first = members(autoscaling)[0]
    autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=first, ShouldDecrementDesiredCapacity=True
    )
    with pytest.raises(ClientError):
        autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=first, ShouldDecrementDesiredCapacity=True
        )
    assert shown(autoscaling)["DesiredCapacity"] == 1


@pytest.mark.parametrize("suspended", [False, True])
def test_zones_are_rebalanced_unless_that_is_suspended(
    cloud: Cloud, autoscaling: Client, make: Make, *, suspended: bool
) -> None:
    make(DesiredCapacity=4)
    if suspended:
        autoscaling.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["AZRebalance"])
        assert shown(autoscaling)["SuspendedProcesses"][0]["ProcessName"] == "AZRebalance"
    in_a = [
        each["InstanceId"]
        for each in shown(autoscaling)["Instances"]
        if each["AvailabilityZone"] == "us-east-1a"
    ]
    others = set(members(autoscaling)) - set(in_a)
    for each in in_a:
        autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=each, ShouldDecrementDesiredCapacity=True
        )
    cloud.clock.skip(5 * MINUTE)
    if suspended:
        assert set(members(autoscaling)) == others
        autoscaling.resume_processes(AutoScalingGroupName="g")
        cloud.clock.skip(5 * MINUTE)
    assert zones(autoscaling) == {"us-east-1a": 1, "us-east-1b": 1}
    assert any("aid in balancing" in each["Cause"] for each in activities(autoscaling))


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


def test_where_one_zone_is_sold_out_the_other_is_used(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    cloud.capacity.limit(0, kind="m5.large", zone="us-east-1a")
    make(DesiredCapacity=2)
    assert zones(autoscaling) == {"us-east-1b": 2}


def test_a_launch_that_failed_is_told_and_tried_again_later_and_later(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    cloud.capacity.limit(0, kind="m5.large")
    make(DesiredCapacity=1)
    cloud.clock.skip(10 * MINUTE)
    failed = activities(autoscaling)
    assert 3 <= len(failed) <= 8
    assert {each["StatusCode"] for each in failed} == {"Failed"}
    assert failed[0]["StatusMessage"].startswith("We currently do not have sufficient m5.large")
    assert failed[0]["StatusMessage"].endswith("capacity. Launching EC2 instance failed.")
    cloud.capacity.restore()
    cloud.clock.skip(10 * MINUTE)
    assert len(members(autoscaling)) == 1


def test_a_quota_is_told_in_its_words(cloud: Cloud, autoscaling: Client, make: Make) -> None:
    cloud.quotas.set("L-1216C47A", 2)
    make(DesiredCapacity=2)
    assert len(members(autoscaling)) == 1
    message = activities(autoscaling)[0]["StatusMessage"]
    assert message.startswith("You have requested more vCPU capacity than your current vCPU limit")
    cloud.quotas.set("L-34B43A08", 0)
    make(AutoScalingGroupName="s", DesiredCapacity=1, MixedInstancesPolicy=spot("m5.large"))
    found = autoscaling.describe_scaling_activities(AutoScalingGroupName="s")["Activities"]
    assert found[0]["StatusMessage"] == (
        "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count "
        "exceeded. Launching EC2 instance failed."
    )


def test_spot_is_launched_where_it_is_cheapest_and_to_be_had(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    for zone in ("us-east-1a", "us-east-1b"):
        cloud.prices.set_spot("m5a.large", zone, Decimal("0.01"))
        cloud.prices.set_spot("m6i.large", zone, Decimal("0.02"))
    cloud.capacity.limit(1, kind="m5a.large", market="spot")
    make(DesiredCapacity=2, MixedInstancesPolicy=spot("m6i.large", "m5a.large"))
    seen = [cloud.instance(each) for each in members(autoscaling)]
    assert sorted(each.type for each in seen) == ["m5a.large", "m6i.large"]
    assert {each.market for each in seen} == {"spot"}
    cloud.capacity.limit(0, market="spot")
    autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=3)
    cloud.clock.skip(MINUTE)
    assert activities(autoscaling)[0]["StatusMessage"] == (
        "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity "
        "available that matches your request. Launching EC2 instance failed."
    )


def test_a_spot_instance_that_was_taken_is_replaced_and_nothing_shrinks(
    cloud: Cloud, ec2: Client, autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=1, MixedInstancesPolicy=spot("m5.large"))
    (taken,) = members(autoscaling)
    cloud.interrupt(taken)
    cloud.clock.skip(5 * MINUTE)
    assert states(ec2, [taken]) == ["terminated"]
    assert len(members(autoscaling)) == 1
    assert taken not in members(autoscaling)
    assert shown(autoscaling)["DesiredCapacity"] == 1


def test_a_mixed_group_keeps_its_share_on_demand(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    policy = mixed(
        "m5.large",
        "c5.large",
        OnDemandBaseCapacity=1,
        OnDemandPercentageAboveBaseCapacity=50,
        OnDemandAllocationStrategy="prioritized",
    )
    make(DesiredCapacity=3, MixedInstancesPolicy=policy)
    markets = Counter(cloud.instance(each).market for each in members(autoscaling))
    assert markets == {"on-demand": 2, "spot": 1}
    listed = autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
    assert {each["InstanceType"] for each in listed} == {"m5.large", "c5.large"} or {
        each["InstanceType"] for each in listed
    } == {"m5.large"}


def test_a_boot_that_fails_or_hangs(
    cloud: Cloud, ec2: Client, autoscaling: Client, make: Make
) -> None:
    booted: list[str] = []
    assert isinstance(cloud.machines, NoBoot)
    cloud.machines.on_boot = lambda instance: booted.append(instance.id)
    cloud.faults.fail_boots(1)
    make(DesiredCapacity=1)
    cloud.clock.skip(3 * MINUTE)
    assert booted == members(autoscaling)
    assert any(each["StatusCode"] == "Cancelled" for each in activities(autoscaling))
    cloud.faults.hang_boots(1)
    ec2.terminate_instances(InstanceIds=members(autoscaling))
    cloud.clock.skip(3 * MINUTE)
    assert len(members(autoscaling)) == 1
    assert len(booted) == 1


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
