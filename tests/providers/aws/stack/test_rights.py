"""Who may do what at a simulated AWS that judges rights."""

import json
from collections.abc import Callable
from pathlib import Path

import botocore.session
import pytest

from cryoem_cloud.model.errors import (
    CryoemError,
    ProviderDeniedError,
)
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.providers.aws.roles import make_role
from cryoem_cloud.providers.aws.stack.join import join
from cryoem_cloud.providers.aws.stack.setup import Done
from cryoem_cloud.wiring.clock import SystemClock
from tests.ec2sim.asking import Client
from tests.ec2sim.census import census
from tests.providers.aws.conftest import order
from tests.providers.aws.stack.lab import ADMIN, REGION, Lab


def test_a_user_launches_and_ends_machines_with_these_policies_alone(
    lab: Lab, admin: Calls, user: Callable[[Done], Calls]
) -> None:
    done = lab.set_up(admin)
    provider = AwsProvider(
        account=done.account,
        calls=user(done),
        clock=SystemClock(),
        user_data=lambda *_: "#!/bin/sh\n",
        fresh_s=0.0,
    )
    wanted = order(store=done.account.store)
    provider.keep(wanted)
    lab.cloud.clock.skip(60)
    assert provider.look(wanted.token).alive
    (role,) = census(lab.client)["roles"]
    (bound,) = lab.client("iam").list_roles(PathPrefix="/cryoem/")["Roles"]
    assert role == "cryoem-cryoem-us-west-2-lab-0a1b2c3d"
    found = lab.client("iam").get_role(RoleName=bound["RoleName"])["Role"]
    boundary = found["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert boundary == done.account.machine_policy
    provider.end(wanted.token)
    lab.cloud.clock.skip(600)
    provider.forget(wanted.token)
    left = census(lab.client)
    assert not {"groups", "templates", "instances", "volumes"} & left.keys()


def test_a_missing_permission_is_named(lab: Lab, admin: Calls, tmp_path: Path) -> None:
    lab.set_up(admin)
    nobody = Calls(lab.env("eve"), REGION)
    with pytest.raises(ProviderDeniedError, match="cloudformation:DescribeStacks"):
        join(nobody, "cryoem", tmp_path)


def test_a_user_may_not_set_up(lab: Lab, admin: Calls, user: Callable[[Done], Calls]) -> None:
    ann = user(lab.set_up(admin))
    with pytest.raises(CryoemError):
        lab.set_up(ann)
    with pytest.raises(CryoemError):
        lab.tear_down(ann)


def test_machines_reach_their_projects_files_and_no_others(lab: Lab, admin: Calls) -> None:
    done = lab.set_up(admin)
    bucket = done.account.store.split("/")[2]
    machine = as_machine(lab, done.account, "tutorial-0a1b2c3d")
    machine.put_object(Bucket=bucket, Key="cryoem/tutorial-0a1b2c3d/jobs/a", Body=b"x")
    own = machine.list_objects_v2(Bucket=bucket, Prefix="cryoem/tutorial-0a1b2c3d/")
    assert own["KeyCount"] == 1
    refused: list[Callable[[], object]] = [
        lambda: machine.put_object(Bucket=bucket, Key="cryoem/other-00000000/a", Body=b"x"),
        lambda: machine.put_object(Bucket=bucket, Key="cryoem/@agent/a", Body=b"x"),
        lambda: machine.delete_object(Bucket=bucket, Key="cryoem/tutorial-0a1b2c3d/jobs/a"),
        lambda: machine.list_objects_v2(Bucket=bucket),
        lambda: machine.list_objects_v2(Bucket=bucket, Prefix="cryoem/"),
        machine.list_buckets,
    ]
    for ask in refused:
        with pytest.raises(machine.exceptions.ClientError, match="AccessDenied"):
            ask()


def as_machine(lab: Lab, account: Account, project: str) -> Client:
    """S3, with the credentials of a project's role."""
    iam, sts = lab.client("iam"), lab.client("sts")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
         "Action": "sts:AssumeRole"}]}  # fmt: skip
    made = iam.create_role(
        RoleName="m", Path="/cryoem/cryoem/", AssumeRolePolicyDocument=json.dumps(trust),
        PermissionsBoundary=account.machine_policy,
        Tags=[{"Key": "cryoem:project", "Value": project}],
    )  # fmt: skip
    iam.attach_role_policy(RoleName="m", PolicyArn=account.machine_policy)
    found = sts.assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="i-1")["Credentials"]
    return botocore.session.get_session().create_client(
        "s3", region_name=REGION, endpoint_url=lab.cloud.url,
        aws_access_key_id=found["AccessKeyId"], aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )  # fmt: skip


def test_roles_have_the_boundary_that_the_organisation_demands(lab: Lab, admin: Calls) -> None:
    iam = lab.client("iam")
    org = iam.create_policy(PolicyName="org", PolicyDocument=json.dumps(ADMIN))["Policy"]["Arn"]
    account = lab.set_up(admin, boundary=org).account
    make_role(admin, account, "tutorial-0a1b2c3d")
    role = iam.get_role(RoleName="cryoem-cryoem-us-west-2-tutorial-0a1b2c3d")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == org
    lab.tear_down(admin)
    assert "roles" not in census(lab.client)
