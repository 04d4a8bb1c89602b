"""IAM decides about the simulator's own answers as about moto's (conditions apart: README.md)."""

import json

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Connect, code_of
from tests.ec2sim.cloud import Cloud


def test_a_user_may_do_what_the_policy_says(
    cloud: Cloud, connect: Connect, session: botocore.session.Session
) -> None:
    iam = connect("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["autoscaling:Describe*"], "Resource": "*"},
        ],
    }
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps(policy))
    cloud.enforce_iam()
    client = session.create_client(
        "autoscaling",
        region_name="us-east-1",
        endpoint_url=cloud.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert client.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    with pytest.raises(ClientError) as refused:
        client.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0)
    assert code_of(refused.value) == "AccessDenied"
    with pytest.raises(ClientError) as refused:
        connect("ec2").describe_instances()
    assert code_of(refused.value) in {"AuthFailure", "InvalidClientTokenId"}
