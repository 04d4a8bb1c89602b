"""Scheduled actions, which end a fleet when nobody else does."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Client
from tests.ec2sim.cloud import Cloud

MINUTE = 60.0
HOUR = 60 * MINUTE


@pytest.fixture
def group(cloud: Cloud, ec2: Client, autoscaling: Client, image: str) -> None:
    """A group `g` with one instance."""
    data = {"ImageId": image, "InstanceType": "m5.large"}
    ec2.create_launch_template(LaunchTemplateName="job", LaunchTemplateData=data)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="g",
        LaunchTemplate={"LaunchTemplateName": "job"},
        AvailabilityZones=["us-east-1a"],
        MinSize=0,
        MaxSize=2,
        DesiredCapacity=1,
    )
    cloud.clock.skip(MINUTE)


def put(autoscaling: Client, name: str, hours: float, **sizes: object) -> None:
    autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName="g",
        ScheduledActionName=name,
        StartTime=datetime.now(UTC) + timedelta(hours=hours),
        **(sizes or {"MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0}),
    )


def scheduled(autoscaling: Client) -> list[str]:
    found = autoscaling.describe_scheduled_actions(AutoScalingGroupName="g")
    return [each["ScheduledActionName"] for each in found["ScheduledUpdateGroupActions"]]


@pytest.mark.usefixtures("group")
def test_an_action_ends_the_fleet_once_and_is_gone(cloud: Cloud, autoscaling: Client) -> None:
    put(autoscaling, "lapse", 1)
    put(autoscaling, "hard", 24)
    assert scheduled(autoscaling) == ["lapse", "hard"]
    cloud.clock.skip(59 * MINUTE)
    assert len(cloud.living()) == 1
    cloud.clock.skip(3 * MINUTE)
    assert cloud.living() == []
    assert scheduled(autoscaling) == ["hard"]
    found = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]
    assert (found["MinSize"], found["MaxSize"], found["DesiredCapacity"]) == (0, 0, 0)


@pytest.mark.usefixtures("group")
def test_an_action_of_the_same_name_is_pushed_forward(cloud: Cloud, autoscaling: Client) -> None:
    put(autoscaling, "lapse", 1)
    cloud.clock.skip(50 * MINUTE)
    put(autoscaling, "lapse", 1)
    assert scheduled(autoscaling) == ["lapse"]
    cloud.clock.skip(50 * MINUTE)
    assert len(cloud.living()) == 1
    cloud.clock.skip(12 * MINUTE)
    assert cloud.living() == []


@pytest.mark.usefixtures("group")
def test_what_is_past_or_empty_or_at_the_same_instant_is_refused(autoscaling: Client) -> None:
    with pytest.raises(ClientError, match="Given start time is in the past"):
        put(autoscaling, "lapse", -0.001)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    common = {"AutoScalingGroupName": "g", "StartTime": at}
    with pytest.raises(ClientError, match="Max bound, 1, must be greater"):
        put(autoscaling, "lapse", 1, MinSize=2, MaxSize=1)
    with pytest.raises(ClientError, match="At least one of MinSize"):
        autoscaling.put_scheduled_update_group_action(ScheduledActionName="lapse", **common)
    autoscaling.put_scheduled_update_group_action(
        ScheduledActionName="lapse", DesiredCapacity=0, **common
    )
    with pytest.raises(ClientError, match="with that start time exists"):
        autoscaling.put_scheduled_update_group_action(
            ScheduledActionName="hard", DesiredCapacity=0, **common
        )


@pytest.mark.usefixtures("group")
def test_an_action_that_is_deleted_or_suspended_does_nothing(
    cloud: Cloud, autoscaling: Client
) -> None:
    put(autoscaling, "lapse", 1)
    autoscaling.delete_scheduled_action(AutoScalingGroupName="g", ScheduledActionName="lapse")
    with pytest.raises(ClientError, match="Scheduled Action lapse not found"):
        autoscaling.delete_scheduled_action(AutoScalingGroupName="g", ScheduledActionName="lapse")
    autoscaling.suspend_processes(AutoScalingGroupName="g", ScalingProcesses=["ScheduledActions"])
    put(autoscaling, "hard", 1)
    cloud.clock.skip(2 * HOUR)
    assert len(cloud.living()) == 1


@pytest.mark.usefixtures("group")
def test_actions_go_with_their_group(cloud: Cloud, autoscaling: Client) -> None:
    put(autoscaling, "hard", 24)
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
    cloud.clock.skip(HOUR)
    assert autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
    with pytest.raises(ClientError, match="AutoScalingGroup: g not found"):
        put(autoscaling, "hard", 24)
