"""Auto Scaling keeps groups at strength, as AWS documents it; each sentence is in README.md."""

import pytest
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Client, states
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.grouping import MINUTE, Make, activities, members, shown, zones
from tests.ec2sim.noboot import NoBoot


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
    autoscaling.update_auto_scaling_group(AutoScalingGroupName="g", HealthCheckGracePeriod=600)
    autoscaling.set_instance_health(InstanceId=ill, HealthStatus="Unhealthy")
    cloud.clock.skip(3 * MINUTE)
    assert members(autoscaling) == [ill]
    autoscaling.set_instance_health(
        InstanceId=ill, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
    )
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


def test_protected_instances_stay_when_the_group_shrinks(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=2, NewInstancesProtectedFromScaleIn=True)
    first, second = members(autoscaling)
    autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0)
    cloud.clock.skip(2 * MINUTE)
    assert members(autoscaling) == [first, second]
    autoscaling.set_instance_protection(
        AutoScalingGroupName="g", InstanceIds=[first], ProtectedFromScaleIn=False
    )
    cloud.clock.skip(2 * MINUTE)
    assert members(autoscaling) == [second]
