"""Requests that AWS would refuse are refused; the client's own checks are off."""

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Client, code_of
from tests.ec2sim.cloud import Cloud

Unchecked = Callable[[str], Client]


@pytest.fixture
def unchecked(cloud: Cloud, session: botocore.session.Session) -> Unchecked:
    """Clients that send whatever they are given."""
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})

    def client(service: str) -> Client:
        return session.create_client(
            service, region_name="us-east-1", endpoint_url=cloud.url, config=config
        )

    return client


GROUP = {"AutoScalingGroupName": "g"}


@pytest.mark.parametrize(
    ("service", "call", "asked", "code", "words"),
    [
        ("ec2", "run_instances", {"MinCount": 1}, "MissingParameter", "parameter MaxCount"),
        (
            "ec2",
            "run_instances",
            {"MinCount": 1, "MaxCount": 1, "MetadataOptions": {"HttpTokens": "requiredd"}},
            "InvalidParameterValue",
            "'requiredd' for MetadataOptions.HttpTokens",
        ),
        (
            "ec2",
            "run_instances",
            {"MinCount": 1, "MaxCount": 1, "InstanceType": "g5.huge"},
            "InvalidParameterValue",
            "'g5.huge' for InstanceType",
        ),
        ("ec2", "run_instances", {"MinCount": "x", "MaxCount": 1}, "MalformedInput", "wrong type"),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {**GROUP, "MinSize": 0},
            "ValidationError",
            "Value null at 'maxSize' failed to satisfy constraint: Member must not be null",
        ),
        (
            "autoscaling",
            "set_desired_capacity",
            {"AutoScalingGroupName": "g" * 256, "DesiredCapacity": 0},
            "ValidationError",
            "length less than or equal to 255",
        ),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {**GROUP, "MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": ""},
            "ValidationError",
            "length greater than or equal to 1",
        ),
        (
            "autoscaling",
            "terminate_instance_in_auto_scaling_group",
            {"InstanceId": "i-1"},
            "ValidationError",
            "'shouldDecrementDesiredCapacity'",
        ),
        (
            "service-quotas",
            "get_service_quota",
            {"ServiceCode": "ec2"},
            "ValidationException",
            "'quotaCode'",
        ),
    ],
)
def test_what_does_not_fit_the_model_is_refused(
    unchecked: Unchecked, service: str, call: str, *, asked: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(unchecked(service), call)(**asked)
    assert code_of(refused.value) == code
    assert words in str(refused.value)


@pytest.mark.parametrize("service", ["ec2", "autoscaling"])
def test_a_parameter_that_does_not_exist_is_refused(
    cloud: Cloud, session: botocore.session.Session, service: str
) -> None:
    client = session.create_client(service, region_name="us-east-1", endpoint_url=cloud.url)
    call = {"ec2": "describe_instances", "autoscaling": "describe_auto_scaling_groups"}[service]

    def add(params: dict[str, Any], **_: object) -> None:
        params["body"]["MaxRecrods"] = "5"

    client.meta.events.register("before-call", add)
    with pytest.raises(ClientError, match="MaxRecrods"):
        getattr(client, call)()


def test_what_fits_passes(unchecked: Unchecked) -> None:
    assert unchecked("ec2").describe_regions()["Regions"]
    assert unchecked("sts").get_caller_identity()["Account"]
    assert "Roles" in unchecked("iam").list_roles()
