"""From an empty account to a stack, a user who joined, and an account that is empty again."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.model.errors import (
    NotFoundError,
    ProviderDeniedError,
    ProviderError,
    RefusedError,
    UsageError,
)
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.stack.choices import Choices
from cryoem_cloud.providers.aws.stack.join import join
from cryoem_cloud.providers.aws.stack.setup import Done, announcement, kept_buckets
from tests.ec2sim.census import census
from tests.providers.aws.stack.lab import REGION, Lab, doctor, interrupt


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


@pytest.mark.parametrize("chosen", [{"bucket": "other"}, {"prefix": "elsewhere"}], ids=str)
def test_a_setup_that_would_move_the_store_is_refused(
    lab: Lab, admin: Calls, chosen: dict[str, str]
) -> None:
    done = lab.set_up(admin)
    lab.client("s3").create_bucket(
        Bucket="other", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    with pytest.raises(RefusedError, match=done.account.store):
        lab.set_up(admin, **chosen)


def test_a_setup_that_forgets_the_bucket_is_refused(lab: Lab, admin: Calls) -> None:
    lab.client("s3").create_bucket(
        Bucket="lab", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    lab.set_up(admin, bucket="lab")
    with pytest.raises(RefusedError, match="another store"):
        lab.set_up(admin)
    assert lab.set_up(admin, bucket="lab").account.store == "s3://lab/cryoem"


def test_an_earlier_store_can_be_taken_on(lab: Lab, admin: Calls) -> None:
    first = lab.set_up(admin).account
    lab.tear_down(admin)
    choices = Choices(region=REGION)
    (kept,) = kept_buckets(admin, choices)
    told = announcement(choices, [kept], store_gb_month=Decimal("0.023"))
    assert any(kept in line for line in told)
    assert any("Standard, 0.023 USD" in line for line in told)
    assert lab.set_up(admin, bucket=kept).account.store == first.store
    lab.tear_down(admin, delete_data=kept)
    lab.forget_users()
    assert census(lab.client) == {}


CREATING = (
    "create_change_set",
    "describe_change_set",
    "execute_change_set",
    "describe_stacks",
    "put_object",
)


@pytest.mark.parametrize("where", [(call, after) for call in CREATING for after in (False, True)])
def test_setup_that_was_interrupted_goes_on(
    lab: Lab, admin: Calls, where: tuple[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    call, after = where
    once = interrupt(monkeypatch, call, after=after)
    with pytest.raises(KeyboardInterrupt):
        lab.set_up(admin)
    assert once == [call]
    account = lab.set_up(admin).account
    assert len(lab.client("s3").list_buckets()["Buckets"]) == 1
    bucket = account.store.removeprefix("s3://").partition("/")[0]
    lab.tear_down(admin, delete_data=bucket)
    lab.forget_users()
    assert census(lab.client) == {}


def test_nobody_joins_while_machines_would_have_no_agent(
    lab: Lab, admin: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, "put_object", after=False)
    with pytest.raises(KeyboardInterrupt):
        lab.set_up(admin)
    with pytest.raises(ProviderError, match="lacks what machines need") as told:
        join(admin, "cryoem", tmp_path)
    assert "setup once more" in told.value.hint
    lab.set_up(admin)
    join(admin, "cryoem", tmp_path)


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
