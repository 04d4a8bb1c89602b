"""A fleet on a fast clock, where no test skips time: as the product runs against the simulator."""

import time
from datetime import UTC, datetime, timedelta

import botocore.session
from botocore.config import Config

from tests.ec2sim.asking import Client
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.images import IMAGES


def test_a_fleet_that_nobody_prolongs_ends_by_itself(session: botocore.session.Session) -> None:
    region = "eu-west-1"
    with Cloud(minute=0.03) as cloud:

        def client(service: str) -> Client:
            config = Config(retries={"total_max_attempts": 1})
            return session.create_client(
                service, region_name=region, endpoint_url=cloud.url, config=config
            )

        data = {"ImageId": IMAGES[0].id_in(region), "InstanceType": "m5.large"}
        client("ec2").create_launch_template(LaunchTemplateName="job", LaunchTemplateData=data)
        autoscaling = client("autoscaling")
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="g",
            LaunchTemplate={"LaunchTemplateName": "job"},
            AvailabilityZones=[f"{region}a", f"{region}b"],
            MinSize=0,
            MaxSize=2,
        )
        autoscaling.put_scheduled_update_group_action(
            AutoScalingGroupName="g",
            ScheduledActionName="lapse",
            StartTime=datetime.now(UTC) + timedelta(hours=2),
            MaxSize=0,
        )
        autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=2)
        wait_for(cloud, 2)
        assert {kept.region for kept in cloud.living()} == {region}
        wait_for(cloud, 0)
        group = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]
        assert (group["MaxSize"], group["DesiredCapacity"]) == (0, 0)


def wait_for(cloud: Cloud, living: int) -> None:
    ends = time.monotonic() + 30
    while len(cloud.living()) != living:
        assert time.monotonic() < ends, [kept.state for kept in cloud.life]
        time.sleep(0.01)
