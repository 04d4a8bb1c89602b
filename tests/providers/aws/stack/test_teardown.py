"""Everything of a stack goes, data only if it is named, and nothing of others."""

import json
from collections.abc import Callable

import pytest

from cryoem_cloud.model.door import Door
from cryoem_cloud.model.errors import (
    RefusedError,
)
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.providers.aws.stack.leftovers import find
from cryoem_cloud.providers.aws.stack.outputs import bucket_and_folder
from cryoem_cloud.providers.aws.stack.setup import Done
from cryoem_cloud.wiring.clock import SystemClock
from tests.ec2sim.census import census
from tests.ec2sim.faults import What
from tests.providers.aws.conftest import order
from tests.providers.aws.stack.lab import REGION, Lab, interrupt


def test_teardown_ends_what_couriers_made(
    lab: Lab, admin: Calls, user: Callable[[Done], Calls]
) -> None:
    done = lab.set_up(admin)
    launch_as(user(done), lab, done.account)
    assert census(lab.client)["instances"]
    bucket = done.account.store.removeprefix("s3://").partition("/")[0]
    left = lab.tear_down(admin, delete_data=bucket)
    assert left.counted() == {}
    lab.forget_users()
    assert census(lab.client) == {}


def launch_as(calls: Calls, lab: Lab, account: Account) -> None:
    """A role, a template and a group with a machine, with the tags that couriers give."""
    tags = [{"Key": "cryoem:stack", "Value": "cryoem"}]
    trust = {"Version": "2012-10-17", "Statement": []}
    path = "/cryoem/cryoem/"
    calls.ask(
        "iam", "create_role", RoleName="cryoem-cryoem-p", Path=path, Tags=tags,
        AssumeRolePolicyDocument=json.dumps(trust), PermissionsBoundary=account.machine_policy,
    )  # fmt: skip
    calls.ask(
        "iam", "attach_role_policy", RoleName="cryoem-cryoem-p", PolicyArn=account.machine_policy
    )
    calls.ask("iam", "create_instance_profile", InstanceProfileName="cryoem-cryoem-p", Path=path)
    calls.ask(
        "iam", "add_role_to_instance_profile",
        InstanceProfileName="cryoem-cryoem-p", RoleName="cryoem-cryoem-p",
    )  # fmt: skip
    image = calls.ask(
        "ssm",
        "get_parameter",
        Name="/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
    )["Parameter"]["Value"]
    calls.ask(
        "ec2", "create_launch_template", LaunchTemplateName="p-1-1",
        LaunchTemplateData={
            "ImageId": image, "InstanceType": "m5.large",
            "IamInstanceProfile": {"Name": "cryoem-cryoem-p"},
            "SecurityGroupIds": [account.security_group],
            "TagSpecifications": [{"ResourceType": "volume", "Tags": tags}],
        },
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
    )  # fmt: skip
    calls.ask(
        "autoscaling", "create_auto_scaling_group", AutoScalingGroupName="p-1-1",
        LaunchTemplate={"LaunchTemplateName": "p-1-1"}, MinSize=0, MaxSize=1, DesiredCapacity=0,
        VPCZoneIdentifier=",".join(account.subnets), Tags=[{**tags[0], "PropagateAtLaunch": True}],
    )  # fmt: skip
    calls.ask(
        "autoscaling", "update_auto_scaling_group", AutoScalingGroupName="p-1-1",
        MinSize=0, MaxSize=1, DesiredCapacity=1,
    )  # fmt: skip
    lab.cloud.clock.skip(60)


def test_a_jobs_door_goes_too_though_a_machine_has_it_still(lab: Lab, admin: Calls) -> None:
    account = lab.set_up(admin, ssh=True).account
    provider = AwsProvider(
        account=account,
        calls=admin,
        clock=SystemClock(),
        user_data=lambda *_: "#!/bin/sh\n",
        fresh_s=0.0,
    )
    door = Door(source="203.0.113.7", key="ssh-ed25519 AAAA")
    provider.keep(order(store=account.store, door=door))
    lab.cloud.clock.skip(60)
    assert find(admin, "cryoem").counted()["job's security group"] == 1
    error = ("DependencyViolation", "resource sg-1 has a dependent object")
    lab.cloud.faults.plan(What.REFUSED, "DeleteSecurityGroup", error=error)
    bucket, _ = bucket_and_folder(account.store)
    assert lab.tear_down(admin, delete_data=bucket).counted() == {}
    lab.forget_users()
    assert census(lab.client) == {}


STEPS = (
    "delete_auto_scaling_group",
    "delete_launch_template",
    "remove_role_from_instance_profile",
    "delete_instance_profile",
    "detach_role_policy",
    "delete_role",
    "delete_objects",
    "delete_bucket",
    "detach_user_policy",
    "delete_stack",
)


@pytest.mark.parametrize("step", STEPS)
def test_teardown_that_was_interrupted_goes_on(
    lab: Lab,
    admin: Calls,
    *,
    user: Callable[[Done], Calls],
    step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = lab.set_up(admin)
    launch_as(user(done), lab, done.account)
    bucket = done.account.store.split("/")[2]
    once = interrupt(monkeypatch, step, after=True)
    with pytest.raises(KeyboardInterrupt):
        lab.tear_down(admin, delete_data=bucket)
    assert once == [step]
    there = {each["Name"] for each in lab.client("s3").list_buckets()["Buckets"]}
    lab.tear_down(admin, **({"delete_data": bucket} if bucket in there else {}))
    lab.forget_users()
    assert census(lab.client) == {}


def test_teardown_keeps_data_that_nobody_named_and_says_so(lab: Lab, admin: Calls) -> None:
    bucket = lab.set_up(admin).account.store.removeprefix("s3://").partition("/")[0]
    lab.client("s3").put_object(Bucket=bucket, Key="cryoem/p/mirror/a.star", Body=b"mine")
    assert lab.tear_down(admin).buckets == (bucket,)
    assert lab.tear_down(admin).buckets == (bucket,), "twice is as once"
    kept = lab.client("s3").get_object(Bucket=bucket, Key="cryoem/p/mirror/a.star")
    assert kept["Body"].read() == b"mine"
    assert lab.tear_down(admin, delete_data=bucket).buckets == ()


def test_teardown_deletes_no_other_bucket(lab: Lab, admin: Calls) -> None:
    lab.client("s3").create_bucket(
        Bucket="thesis", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    lab.client("s3").put_object(Bucket="thesis", Key="a", Body=b"x")
    lab.set_up(admin)
    with pytest.raises(RefusedError, match="thesis is not the bucket"):
        lab.tear_down(admin, delete_data="thesis")
    assert lab.client("s3").list_objects_v2(Bucket="thesis")["KeyCount"] == 1


def test_teardown_in_one_region_leaves_the_other_alone(lab: Lab, admin: Calls) -> None:
    here, there = lab.set_up(admin), lab.set_up(Calls(admin._env, "eu-west-1"))
    launch_as(admin, lab, here.account)
    other = Calls(admin._env, "eu-west-1")
    left = lab.tear_down(other)
    assert left.counted() == {}
    assert "cryoem-cryoem-p" in census(lab.client)["roles"]
    assert left.buckets == (there.account.store.split("/")[2],)
