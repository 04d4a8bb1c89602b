"""The doctor finds what keeps machines from working, and says how to mend it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from tests.providers.aws.stack.lab import REGION, Lab, doctor


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
    assert wrong.what == "image for x86_64"


def test_the_doctor_without_credentials_says_only_that(lab: Lab, admin: Calls) -> None:
    account = lab.set_up(admin).account
    env = {"AWS_ENDPOINT_URL": lab.cloud.url, "AWS_CONFIG_FILE": "/none",
           "AWS_SHARED_CREDENTIALS_FILE": "/none"}  # fmt: skip
    (only,) = doctor(Calls(env, REGION), account).checks()
    assert only.wrong
    assert "no AWS credentials" in only.found
