"""A simulated AWS whose machines pretend, and machines that boot, for the tests that need them."""

from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore.config import Config

from tests.ec2sim.asking import Client, Connect
from tests.ec2sim.bootworld import World, reason_not_to_boot
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.grouping import MINUTE, Make
from tests.ec2sim.house import House
from tests.ec2sim.images import IMAGES


@pytest.fixture(scope="session")
def can_boot() -> None:
    if why := reason_not_to_boot():
        pytest.skip(why)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A minute lasts 50 ms."""
    return House(directory=tmp_path / "machines", minute_s=0.05, grace_s=1.0)


@pytest.fixture
def world(can_boot: None, house: House) -> Iterator[World]:
    made = World(house)
    yield made
    made.close()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """An empty account whose time passes by `cloud.clock.skip`."""
    with Cloud() as simulated:
        yield simulated


@pytest.fixture(scope="session")
def session() -> botocore.session.Session:
    """Made once: it reads botocore's large models."""
    made = botocore.session.get_session()
    made.set_credentials("AKIAIOSFODNN7EXAMPLE", "secret")
    return made


@pytest.fixture
def connect(cloud: Cloud, session: botocore.session.Session) -> Connect:
    """Clients for the account, which try each call once."""
    config = Config(retries={"total_max_attempts": 1})

    def client(service: str, region: str = "us-east-1") -> Client:
        return session.create_client(
            service, region_name=region, endpoint_url=cloud.url, config=config
        )

    return client


@pytest.fixture
def ec2(connect: Connect) -> Client:
    return connect("ec2")


@pytest.fixture
def autoscaling(connect: Connect) -> Client:
    return connect("autoscaling")


@pytest.fixture
def image() -> str:
    """A machine image that every account sees."""
    return IMAGES[0].id_in("us-east-1")


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
