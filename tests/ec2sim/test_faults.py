"""What goes wrong on the way to AWS and back, as often as a test says."""

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, ReadTimeoutError

from tests.ec2sim.asking import Client, code_of
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.faults import What


def launch(ec2: Client, image: str, **more: object) -> str:
    made = ec2.run_instances(ImageId=image, InstanceType="m5.large", MinCount=1, MaxCount=1, **more)
    return str(made["Instances"][0]["InstanceId"])


def test_a_call_is_throttled_as_often_as_planned(
    cloud: Cloud, ec2: Client, autoscaling: Client
) -> None:
    cloud.faults.plan(What.THROTTLED, "DescribeInstances", times=2, after=1)
    cloud.faults.plan(What.THROTTLED, "DescribeAutoScalingGroups")
    ec2.describe_instances()
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            ec2.describe_instances()
        assert code_of(refused.value) == "RequestLimitExceeded"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    ec2.describe_instances()
    with pytest.raises(ClientError) as refused:
        autoscaling.describe_auto_scaling_groups()
    assert code_of(refused.value) == "Throttling"
    assert cloud.faults.happened["DescribeInstances", What.THROTTLED] == 2


def test_a_reply_is_lost_and_the_launch_is_done(cloud: Cloud, ec2: Client, image: str) -> None:
    cloud.faults.plan(What.LOST_AFTER, "RunInstances")
    with pytest.raises(HTTPClientError):
        launch(ec2, image, ClientToken="job-7")
    assert len(cloud.living()) == 1
    assert launch(ec2, image, ClientToken="job-7") == cloud.living()[0].id
    assert len(cloud.living()) == 1


def test_a_request_is_lost_and_nothing_is_done(cloud: Cloud, ec2: Client, image: str) -> None:
    cloud.faults.plan(What.LOST_BEFORE, "RunInstances")
    with pytest.raises(HTTPClientError):
        launch(ec2, image)
    assert cloud.living() == []


def test_any_call_is_refused_with_any_code(cloud: Cloud, ec2: Client) -> None:
    error = ("UnauthorizedOperation", "You are not authorized to perform this operation.")
    cloud.faults.plan(What.REFUSED, "*", error=error)
    with pytest.raises(ClientError) as refused:
        ec2.describe_regions()
    assert code_of(refused.value) == "UnauthorizedOperation"
    cloud.faults.plan(What.REFUSED, "*", times=100)
    cloud.faults.forget()
    ec2.describe_subnets()


def test_chance_is_the_seeds() -> None:
    def struck(seed: int) -> list[bool]:
        from tests.ec2sim.faults import Faults  # noqa: PLC0415

        faults = Faults(seed)
        faults.plan(What.LOST_AFTER, "RunInstances", times=100, chance=0.3)
        return [faults.of("ec2", "RunInstances") is not None for _ in range(50)]

    assert struck(1) == struck(1) != struck(2)
    assert 5 < sum(struck(1)) < 30


def test_a_new_instance_is_not_seen_at_once(cloud: Cloud, ec2: Client, image: str) -> None:
    cloud.faults.unseen_seconds = 5
    made = launch(ec2, image)
    with pytest.raises(ClientError) as refused:
        ec2.describe_instances(InstanceIds=[made])
    assert code_of(refused.value) == "InvalidInstanceID.NotFound"
    assert ec2.describe_instances()["Reservations"] == []
    cloud.clock.skip(6)
    assert ec2.describe_instances(InstanceIds=[made])["Reservations"]


def test_a_boot_takes_longer(cloud: Cloud, ec2: Client, image: str) -> None:
    cloud.faults.boot_delay = 300
    made = launch(ec2, image)
    cloud.clock.skip(200)
    assert cloud.instance(made).state == "pending"
    cloud.clock.skip(200)
    assert cloud.instance(made).state == "running"


def test_a_machine_that_never_came_up_can_be_ended(cloud: Cloud, ec2: Client, image: str) -> None:
    cloud.faults.boot_delay = 3600
    delayed = launch(ec2, image)
    cloud.faults.boot_delay = 0
    cloud.faults.hang_boots(1)
    hung = launch(ec2, image)
    cloud.clock.skip(60)
    ec2.terminate_instances(InstanceIds=[delayed, hung])
    cloud.clock.skip(60)
    assert cloud.living() == []


def test_a_call_hangs_until_the_client_gives_up(
    cloud: Cloud, session: botocore.session.Session
) -> None:
    cloud.faults.plan(What.HANGS, "DescribeRegions")
    config = Config(read_timeout=0.3, retries={"total_max_attempts": 1})
    client = session.create_client(
        "ec2", region_name="us-east-1", endpoint_url=cloud.url, config=config
    )
    with pytest.raises(ReadTimeoutError):
        client.describe_regions()
    assert client.describe_regions()["Regions"]
