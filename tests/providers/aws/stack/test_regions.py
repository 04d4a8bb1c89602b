"""In each region: set up, joined, a job's machines, and all of it removed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.providers.aws.account import Account, accounts
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.providers.aws.roles import make_role
from cryoem_cloud.providers.aws.stack.join import join
from cryoem_cloud.providers.aws.stack.outputs import bucket_and_folder
from cryoem_cloud.wiring.clock import SystemClock
from tests.ec2sim.census import census
from tests.providers.aws.conftest import order
from tests.providers.aws.stack.lab import ADMIN, Lab, doctor


def admin_in(lab: Lab, region: str) -> Calls:
    env = lab.env("root")
    everything = json.dumps(ADMIN)
    lab.client("iam").put_user_policy(UserName="root", PolicyName="all", PolicyDocument=everything)
    lab.cloud.enforce_iam()
    return Calls(env, region)


@pytest.mark.parametrize(
    "region",
    ["us-west-2", "us-east-1", "us-east-2", "eu-west-1", "ap-southeast-2", "eu-central-1"],
)
def test_a_region_works(lab: Lab, region: str, tmp_path: Path) -> None:
    calls = admin_in(lab, region)
    lab.set_up(calls, ssh=True)
    account, _ = join(calls, "cryoem", tmp_path)
    assert (account.region, account.ssh) == (region, True)
    bucket, _ = bucket_and_folder(account.store)
    place = calls.ask("s3", "get_bucket_location", Bucket=bucket).get("LocationConstraint")
    assert (place or "us-east-1") == region
    checks = doctor(calls, account, "g5.xlarge").checks()  # which all of these regions have
    wrong = [check for check in checks if check.wrong]
    assert wrong == []
    provider = AwsProvider(
        account=account,
        calls=calls,
        clock=SystemClock(),
        user_data=lambda *_: "#!/bin/sh\n",
        fresh_s=0.0,
    )
    wanted = order(store=account.store)
    provider.keep(wanted)
    lab.cloud.clock.skip(60)
    machines = provider.look(wanted.token).alive
    assert len(machines) == 2
    assert all(machine.zone.startswith(region) for machine in machines)
    provider.end(wanted.token)
    lab.cloud.clock.skip(600)
    left = lab.tear_down(calls, delete_data=bucket)
    assert (left.counted(), left.buckets) == ({}, ())
    assert census(lambda service: lab.client(service, region)).keys() <= {"users"}


def test_two_regions_of_one_stack_are_known_side_by_side(lab: Lab, tmp_path: Path) -> None:
    old = admin_in(lab, "us-west-2")
    new = Calls(old._env, "us-east-1")
    for calls in (old, new):
        lab.set_up(calls)
        join(calls, "cryoem", tmp_path)
    first, second = accounts(tmp_path)
    assert (first.region, second.region) == ("us-east-1", "us-west-2")
    for calls, account in ((old, second), (new, first)):
        make_role(calls, account, "tutorial-0a1b2c3d")
    policies = {
        policy["PolicyArn"]
        for role in lab.client("iam").list_roles(PathPrefix="/cryoem/")["Roles"]
        for policy in lab.client("iam").list_attached_role_policies(RoleName=role["RoleName"])[
            "AttachedPolicies"
        ]
    }
    assert policies == {first.machine_policy, second.machine_policy}  # IAM knows no regions
    assert Account.read(tmp_path) == first
    assert Account.read(tmp_path, second.store) == second
    assert Account.read(tmp_path, "s3://else/where") == first
    join(old, "cryoem", tmp_path)
    assert [each.region for each in accounts(tmp_path)] == ["us-west-2", "us-east-1"]


def test_the_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    account = Account(
        stack="cryoem",
        region="us-west-2",
        store="s3://b/cryoem",
        subnets=("subnet-1",),
        security_group="sg-1",
        machine_policy="arn:aws:iam::123456789012:policy/p",
    )
    before = json.loads(account.to_json())
    del before["ssh"]
    assert before["v"] == 1
    (tmp_path / "aws.json").write_text(json.dumps(before))
    assert accounts(tmp_path) == (account,)
    other = replace(account, region="us-east-1", store="s3://c/cryoem")
    other.write_to(tmp_path)
    assert accounts(tmp_path) == (other, account)
