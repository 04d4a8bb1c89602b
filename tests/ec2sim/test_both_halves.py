"""The simulated AWS with machines that boot: both halves together, as the product meets them."""

import base64
import time
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.config import Config

from tests.ec2sim.asking import Client
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.house import House


@pytest.fixture
def booting(can_boot: None, house: House) -> Iterator[Cloud]:
    """An account whose machines boot; a minute lasts 50 ms."""
    with Cloud(minute=0.05, machines=BootedMachines(house)) as simulated:
        yield simulated


def until(cloud: Cloud, living: int) -> None:
    ends = time.monotonic() + 60
    while len(cloud.living()) != living:
        assert time.monotonic() < ends, [kept.state for kept in cloud.life]
        time.sleep(0.05)


def test_a_fleet_boots_works_and_leaves(
    booting: Cloud, session: botocore.session.Session, image: str
) -> None:
    config = Config(retries={"total_max_attempts": 1})

    def client(service: str) -> Client:
        return session.create_client(
            service, region_name="us-east-1", endpoint_url=booting.url, config=config
        )

    script = b"#!/bin/sh\necho works on $(hostname) at $AWS_ENDPOINT_URL\nshutdown -h now\n"
    data = {
        "ImageId": image,
        "InstanceType": "m5.large",
        "UserData": base64.b64encode(script).decode(),
        "InstanceInitiatedShutdownBehavior": "terminate",
    }
    client("ec2").create_launch_template(LaunchTemplateName="job", LaunchTemplateData=data)
    autoscaling = client("autoscaling")
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="g",
        LaunchTemplate={"LaunchTemplateName": "job"},
        AvailabilityZones=["us-east-1a"],
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=1,
    )
    until(booting, 1)
    first = booting.living()[0]
    ends = time.monotonic() + 60
    while first.state != "terminated":
        assert time.monotonic() < ends, first.state
        time.sleep(0.05)
    assert first.record.state_reason.code == "Client.InstanceInitiatedShutdown"
    assert f"works on ip-{first.private_ip.replace('.', '-')}" in booting.machines.console(first.id)
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
    until(booting, 0)
