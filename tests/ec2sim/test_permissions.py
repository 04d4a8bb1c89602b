"""IAM decides about the simulator's own answers as about moto's (conditions apart: README.md)."""

import json

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Connect, code_of
from tests.ec2sim.cloud import Cloud

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


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


def test_a_machine_may_do_what_its_role_says(
    cloud: Cloud, connect: Connect, session: botocore.session.Session, image: str
) -> None:
    iam = connect("iam")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))
    statement = {"Effect": "Allow", "Action": "autoscaling:DescribeTags", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=json.dumps(policy))
    iam.create_instance_profile(InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    made = connect("ec2").run_instances(
        ImageId=image,
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": "worker"},
    )
    given = cloud.instance(made["Instances"][0]["InstanceId"]).credentials()
    cloud.enforce_iam()
    client = session.create_client(
        "autoscaling",
        region_name="us-east-1",
        endpoint_url=cloud.url,
        aws_access_key_id=given.access_key_id,
        aws_secret_access_key=given.secret_access_key,
        aws_session_token=given.token,
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert client.describe_tags()["Tags"] == []
    with pytest.raises(ClientError) as refused:
        client.describe_auto_scaling_groups()
    assert code_of(refused.value) == "AccessDenied"
