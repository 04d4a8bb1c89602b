"""From an empty account to a stack, a user who joined, and an account that is empty again."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from cryoem_cloud.model.errors import (
    CryoemError,
    NotFoundError,
    ProviderDeniedError,
    ProviderError,
    RefusedError,
    UsageError,
)
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.stack.choices import Choices
from cryoem_cloud.providers.aws.stack.doctor import Doctor
from cryoem_cloud.providers.aws.stack.join import join
from cryoem_cloud.providers.aws.stack.leftovers import Leftovers
from cryoem_cloud.providers.aws.stack.setup import Done, completed, set_up
from cryoem_cloud.providers.aws.stack.teardown import tear_down
from tests.ec2sim.asking import Client
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud

REGION = "us-west-2"
ADMIN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Packed:
    path: Path
    digest: str = "00ff"
    architecture: str = "x86_64"


@dataclass
class Lab:
    """An account with an administrator, who may do everything, and users, who get policies."""

    cloud: Cloud
    archive: Packed

    def env(self, user: str) -> dict[str, str]:
        """Of somebody's shell; the user is made where there is none of that name."""
        iam = self.client("iam")
        iam.create_user(UserName=user)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return {
            "AWS_ENDPOINT_URL": self.cloud.url,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }

    def client(self, service: str, region: str = REGION) -> Client:
        """Of the owner of the account, past all policies: what tests look with."""
        return self.cloud.stacks._inside.client(service, region)

    def forget_users(self) -> None:
        iam = self.client("iam")
        for user in iam.list_users()["Users"]:
            name = user["UserName"]
            for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
                iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
            for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
                iam.delete_user_policy(UserName=name, PolicyName=policy)
            iam.delete_user(UserName=name)

    def sleep(self, seconds: float) -> None:
        self.cloud.clock.skip(seconds)

    def set_up(self, calls: Calls, **chosen: Any) -> Done:  # noqa: ANN401
        asked = Choices(region=calls.region, **chosen)
        choices = completed(calls, asked, [self.archive])
        return set_up(calls, choices, [self.archive], sleep=self.sleep)

    def tear_down(self, calls: Calls, **asked: str) -> Leftovers:
        said: list[str] = []
        return tear_down(calls, "cryoem", sleep=self.sleep, say=said.append, **asked)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    packed = tmp_path / "agent.tar.gz"
    packed.write_bytes(b"agent")
    with Cloud() as cloud:
        yield Lab(cloud, Packed(packed))


@pytest.fixture
def admin(lab: Lab) -> Calls:
    env = lab.env("root")
    lab.client("iam").put_user_policy(
        UserName="root", PolicyName="all", PolicyDocument=json.dumps(ADMIN)
    )
    lab.cloud.enforce_iam()
    return Calls(env, REGION)


@pytest.fixture
def user(lab: Lab, admin: Calls) -> Callable[[Done], Calls]:
    """Somebody who has the policies that setup names, and nothing else."""

    def made(done: Done) -> Calls:
        env = lab.env("ann")
        for policy in done.policies:
            lab.client("iam").attach_user_policy(UserName="ann", PolicyArn=policy)
        return Calls(env, REGION)

    return made


def doctor(calls: Calls, account: Account, *kinds: str) -> Doctor:
    prices = Calls(calls._env, "us-east-1")
    return Doctor(calls=calls, prices=prices, account=account, kinds=kinds or ("g6e.xlarge",))


def test_from_an_empty_account_and_back(
    lab: Lab, admin: Calls, user: Callable[[Done], Calls], tmp_path: Path
) -> None:
    done = lab.set_up(admin)
    ann = user(done)
    account, file = join(ann, "cryoem", tmp_path)
    assert Account.read(tmp_path) == account == done.account
    assert file == tmp_path / "aws.json"
    assert len(account.subnets) == 4
    assert account.agents == {"x86_64": "@agent/00ff.tar.gz@00ff"}
    found = list(doctor(ann, account).checks())
    assert [check for check in found if check.mend] == []
    assert {check.what.split()[0] for check in found} >= {
        "credentials", "quota", "subnet", "security", "store", "policy", "role", "image", "price",
    }  # fmt: skip

    left = lab.tear_down(admin)
    assert left.counted() == {}
    (bucket,) = left.buckets
    assert lab.tear_down(admin, delete_data=bucket).buckets == ()
    lab.forget_users()
    assert census(lab.client) == {}


def test_the_bucket_is_private_and_takes_nothing_past_tls(lab: Lab, admin: Calls) -> None:
    bucket = lab.set_up(admin).account.store.removeprefix("s3://").partition("/")[0]
    s3 = lab.client("s3")
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    (rule,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert rule["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert s3.get_bucket_encryption(Bucket=bucket)


def test_setup_called_again_changes_nothing(lab: Lab, admin: Calls) -> None:
    done = lab.set_up(admin)
    before, calls = census(lab.client), len(lab.cloud.door.calls)
    assert lab.set_up(admin) == done
    assert census(lab.client) == before
    assert "cloudformation.ExecuteChangeSet" not in lab.cloud.door.calls[calls:]


def test_setup_called_otherwise_changes_the_stack_and_keeps_the_store(
    lab: Lab, admin: Calls
) -> None:
    done = lab.set_up(admin)
    assert lab.set_up(admin, sessions=True).account.store == done.account.store
    names = [
        each["PolicyName"] for each in lab.client("iam").list_policies(Scope="Local")["Policies"]
    ]
    assert "cryoem-cryoem-us-west-2-sessions" in names
    policy = lab.client("iam").get_policy(PolicyArn=done.account.machine_policy)["Policy"]
    version = lab.client("iam").get_policy_version(
        PolicyArn=done.account.machine_policy, VersionId=policy["DefaultVersionId"]
    )
    sids = [each["Sid"] for each in version["PolicyVersion"]["Document"]["Statement"]]
    assert "HearSessions" in sids


def test_a_setup_that_would_replace_the_store_is_refused(lab: Lab, admin: Calls) -> None:
    lab.set_up(admin)
    lab.client("s3").create_bucket(
        Bucket="other", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    with pytest.raises(RefusedError, match="replace the store"):
        lab.set_up(admin, bucket="other")


CREATING = ("CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DescribeStacks")


@pytest.mark.parametrize("where", [(call, after) for call in CREATING for after in (False, True)])
def test_setup_that_was_interrupted_goes_on(
    lab: Lab, admin: Calls, where: tuple[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    call, after = where
    once = replace_once(monkeypatch, call, after=after)
    with pytest.raises(KeyboardInterrupt):
        lab.set_up(admin)
    assert once == [call]
    account = lab.set_up(admin).account
    assert len(lab.client("s3").list_buckets()["Buckets"]) == 1
    bucket = account.store.removeprefix("s3://").partition("/")[0]
    lab.tear_down(admin, delete_data=bucket)
    lab.forget_users()
    assert census(lab.client) == {}


def replace_once(monkeypatch: pytest.MonkeyPatch, call: str, *, after: bool) -> list[str]:
    """Interrupt the program at its first such call, before or after AWS has heard it."""
    done: list[str] = []
    real = Calls.ask

    def ask(self: Calls, service: str, action: str, **asked: object) -> dict[str, Any]:
        if done or action.replace("_", "") != call.lower():
            return real(self, service, action, **asked)  # type: ignore[arg-type]
        done.append(call)
        with suppress(Refused):
            if not after:
                raise KeyboardInterrupt
            real(self, service, action, **asked)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Calls, "ask", ask)
    return done


def test_a_stack_that_cannot_be_made_is_said_and_cleared_next_time(lab: Lab, admin: Calls) -> None:
    lab.cloud.stacks.failing["UserPolicy"] = "Cannot exceed quota for PolicySize: 6144"
    with pytest.raises(ProviderError, match="UserPolicy: Cannot exceed quota"):
        lab.set_up(admin)
    assert "buckets" not in census(lab.client), "what failed leaves no bucket"
    lab.cloud.stacks.failing.clear()
    assert lab.set_up(admin).account.stack == "cryoem"


def test_the_accounts_own_network_bucket_and_tags_are_used(
    lab: Lab, admin: Calls, user: Callable[[Done], Calls], tmp_path: Path
) -> None:
    ec2, s3 = lab.client("ec2"), lab.client("s3")
    s3.create_bucket(Bucket="lab", CreateBucketConfiguration={"LocationConstraint": REGION})
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    done = lab.set_up(
        admin, vpc=vpc, subnets=(subnet,), bucket="lab", prefix="groups/em", tags={"cost": "42"}
    )
    account, _ = join(user(done), "cryoem", tmp_path)
    assert (account.subnets, account.store) == ((subnet,), "s3://lab/groups/em")
    assert account.tags == {"cost": "42"}
    (stack,) = lab.client("cloudformation").describe_stacks()["Stacks"]
    assert {"Key": "cost", "Value": "42"} in stack["Tags"]
    s3.put_object(Bucket="lab", Key="groups/em/p/project.json", Body=b"x")
    s3.put_object(Bucket="lab", Key="groups/empty", Body=b"not ours")
    lab.tear_down(admin, delete_data="lab")
    left = s3.list_objects_v2(Bucket="lab")["Contents"]
    assert [each["Key"] for each in left] == ["groups/empty"]


def test_a_private_subnet_passes_and_one_without_a_way_out_does_not(lab: Lab, admin: Calls) -> None:
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet, other, third = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24")["Subnet"]["SubnetId"]
        for n in range(3)
    )
    nat = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
    way = nat["NatGateway"]["NatGatewayId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=way)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    done = lab.set_up(admin, vpc=vpc, subnets=(subnet, other, third))
    found = {check.what: check for check in doctor(admin, done.account).checks()}
    assert not found[f"subnet {subnet}"].mend
    assert way in found[f"subnet {subnet}"].found
    assert found[f"subnet {other}"].wrong
    near = found[f"subnet {subnet}, way to S3"]
    assert near.mend
    assert not near.wrong


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
        "autoscaling", "set_desired_capacity", AutoScalingGroupName="p-1-1", DesiredCapacity=1
    )
    lab.cloud.clock.skip(60)


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


def test_a_user_who_asks_in_the_wrong_region_is_told(
    lab: Lab, admin: Calls, user: Callable[[Done], Calls], tmp_path: Path
) -> None:
    ann = user(lab.set_up(admin))
    with pytest.raises(NotFoundError, match="not there in eu-west-1") as told:
        join(Calls(ann._env, "eu-west-1"), "cryoem", tmp_path)
    assert "--region" in told.value.hint
    assert not (tmp_path / "aws.json").exists()


def test_a_user_without_credentials_gets_a_paragraph(lab: Lab, tmp_path: Path) -> None:
    env = {"AWS_ENDPOINT_URL": lab.cloud.url, "AWS_CONFIG_FILE": "/none",
           "AWS_SHARED_CREDENTIALS_FILE": "/none"}  # fmt: skip
    with pytest.raises(ProviderDeniedError, match="no AWS credentials") as told:
        join(Calls(env, REGION), "cryoem", tmp_path)
    assert "cryoem aws join" in told.value.hint


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


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"bucket": "none-such"}, "no bucket none-such"),
        ({"bucket": "elsewhere"}, "is in eu-west-1"),
        ({"vpc": "vpc-1", "subnets": ("subnet-0123456789abcdef0",)}, "subnet-0123456789abcdef0"),
    ],
)
def test_what_is_chosen_must_be_there(
    lab: Lab, admin: Calls, chosen: dict[str, Any], said: str
) -> None:
    lab.client("s3", "eu-west-1").create_bucket(
        Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    with pytest.raises(UsageError, match=said):
        lab.set_up(admin, **chosen)


def test_the_doctor_names_quotas_and_how_to_ask(lab: Lab, admin: Calls) -> None:
    account = lab.set_up(admin).account
    lab.cloud.quotas.set("L-DB2E81BA", 0, region=REGION)
    lab.cloud.quotas.set("L-3819A6DF", 2, region=REGION)
    lab.cloud.quotas.request("L-3819A6DF", 64)
    found = {check.what: check for check in doctor(admin, account).checks()}
    none = found["quota L-DB2E81BA (g6e.xlarge, on-demand)"]
    assert none.found == "have 0 vCPUs, need 4"
    assert none.mend.startswith("aws service-quotas request-service-quota-increase")
    asked = found["quota L-3819A6DF (g6e.xlarge, spot)"]
    assert asked.found == "have 2 vCPUs, need 4, requested 64"
    assert not asked.wrong


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (lambda lab, account: lab.client("iam").delete_role(
            RoleName="AWSServiceRoleForAutoScaling"), "role of autoscaling.amazonaws.com"),
        (lambda lab, account: lab.client("s3").delete_public_access_block(
            Bucket=account.store.split("/")[2]), "store's privacy"),
        (lambda lab, account: lab.client("s3").delete_object(
            Bucket=account.store.split("/")[2], Key="cryoem/@agent/00ff.tar.gz"), "store"),
        (lambda lab, account: lab.client("ec2").authorize_security_group_ingress(
            GroupId=account.security_group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22,
            "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]),
            "security group"),
    ],
    ids=["service role", "public", "no agent", "let in"],
)  # fmt: skip
def test_the_doctor_finds_what_is_broken(
    lab: Lab, admin: Calls, broken: Callable[[Lab, Account], object], what: str
) -> None:
    account = lab.set_up(admin).account
    broken(lab, account)
    mended = [check.what for check in doctor(admin, account).checks() if check.mend]
    assert len(mended) == 1
    assert mended[0].startswith(what)


def test_the_doctor_misses_an_image_that_is_not_in_the_region(lab: Lab, admin: Calls) -> None:
    account = replace(lab.set_up(admin).account, image="ami-00000000000000000")
    (wrong,) = [check for check in doctor(admin, account).checks() if check.wrong]
    assert wrong.what == "image"


def test_the_doctor_without_credentials_says_only_that(lab: Lab, admin: Calls) -> None:
    account = lab.set_up(admin).account
    env = {"AWS_ENDPOINT_URL": lab.cloud.url, "AWS_CONFIG_FILE": "/none",
           "AWS_SHARED_CREDENTIALS_FILE": "/none"}  # fmt: skip
    (only,) = doctor(Calls(env, REGION), account).checks()
    assert only.wrong
    assert "no AWS credentials" in only.found


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
