"""A booted machine works with its role: with the words that it finds, as the product's will."""

import json
import time
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.config import Config

from tests.ec2sim.asking import Client, Connect
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.house import House

AGENT = """#!/bin/sh
at=http://169.254.169.254/latest
nothing=$(sha256sum </dev/null | cut -d' ' -f1)
token=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" $at/api/token)
told() { curl -sf -H "X-aws-ec2-metadata-token: $token" "$at/meta-data/$1"; }
role=$(told iam/security-credentials/)
word() { told iam/security-credentials/$role | sed -n "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/p"; }
get() {
    curl -s -o "$2" -w "$1 %{http_code}\\n" --aws-sigv4 aws:amz:us-east-1:s3 \
        --user "$(word AccessKeyId):$(word SecretAccessKey)" \
        -H "X-Amz-Security-Token: $(word Token)" -H "X-Amz-Content-Sha256: $nothing" \\
        "$AWS_ENDPOINT_URL/$1"
}
get ours/program /tmp/program
get theirs/secret /tmp/secret
sh /tmp/program
shutdown now
"""


@pytest.fixture
def booting(can_boot: None, house: House) -> Iterator[Cloud]:
    with Cloud(minute=0.05, machines=BootedMachines(house)) as simulated:
        yield simulated


@pytest.fixture
def ask(booting: Cloud, session: botocore.session.Session) -> Connect:
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})

    def client(service: str) -> Client:
        return session.create_client(
            service, region_name="us-east-1", endpoint_url=booting.url, config=config
        )

    return client


def give_role(iam: Client) -> None:
    trust: dict[str, object] = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    may: dict[str, object] = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::ours/*",
    }

    def policy(statement: dict[str, object]) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    trusted = policy({**trust, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trusted)
    iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=policy(may))
    iam.create_instance_profile(InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")


def test_a_machine_fetches_its_program_and_nothing_of_others(
    booting: Cloud, ask: Connect, image: str
) -> None:
    s3, ec2 = ask("s3"), ask("ec2")
    give_role(ask("iam"))
    for bucket, name in (("ours", "program"), ("theirs", "secret")):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=name, Body=b"echo the program runs\n")
    launched = ec2.run_instances(
        ImageId=image,
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        UserData=AGENT,
        IamInstanceProfile={"Name": "worker"},
        MetadataOptions={"HttpTokens": "required"},
        InstanceInitiatedShutdownBehavior="terminate",
    )
    booting.enforce_iam()
    machine = booting.instance(launched["Instances"][0]["InstanceId"])
    ends = time.monotonic() + 60
    while machine.state != "terminated":
        assert time.monotonic() < ends, booting.machines.console(machine.id)
        time.sleep(0.05)
    console = booting.machines.console(machine.id)
    assert "ours/program 200" in console
    assert "theirs/secret 403" in console
    assert "the program runs" in console
