"""What the doctor says of networks and quotas, from what AWS lists."""

from typing import Any

import pytest

from cryoem_cloud.providers.aws.quotas import quotas_for
from cryoem_cloud.providers.aws.stack.checks import Check, check_gate, check_quota, check_subnet

SUBNET = {"SubnetId": "subnet-1", "VpcId": "vpc-1", "MapPublicIpOnLaunch": True}
OUT = "0.0.0.0/0"
GATEWAY = {"DestinationCidrBlock": OUT, "GatewayId": "igw-1"}
NAT = {"DestinationCidrBlock": OUT, "NatGatewayId": "nat-1"}
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": OUT}]}


def table(*routes: dict[str, Any], main: bool = False) -> dict[str, Any]:
    at = {"Main": True} if main else {"SubnetId": "subnet-1"}
    return {
        "RouteTableId": f"rtb-{main}",
        "VpcId": "vpc-1",
        "Routes": list(routes),
        "Associations": [at],
    }


def endpoint(service: str, kind: str = "Interface") -> dict[str, Any]:
    name = f"com.amazonaws.us-west-2.{service}"
    tables = {"RouteTableIds": ["rtb-False"]} if kind == "Gateway" else {}
    return {"VpcId": "vpc-1", "ServiceName": name, "VpcEndpointType": kind, **tables}


def way_out(*tables: dict[str, Any], public: bool = True, near: Any = ()) -> Check:  # noqa: ANN401
    return check_subnet({**SUBNET, "MapPublicIpOnLaunch": public}, tables, near)[0]


def test_a_public_subnet_passes() -> None:
    assert not way_out(table(GATEWAY)).mend


def test_a_public_subnet_that_gives_no_addresses_does_not() -> None:
    assert "map-public-ip-on-launch" in way_out(table(GATEWAY), public=False).mend


@pytest.mark.parametrize(
    "route", [NAT, {"DestinationCidrBlock": OUT, "TransitGatewayId": "tgw-1"}], ids=["nat", "tgw"]
)
def test_a_private_subnet_passes(route: dict[str, Any]) -> None:
    assert not way_out(table(route), public=False).mend


def test_a_route_that_leads_nowhere_is_none() -> None:
    assert way_out(table({**NAT, "State": "blackhole"}), public=False).wrong


def test_the_main_table_counts_where_a_subnet_has_none() -> None:
    assert not way_out(table(GATEWAY, main=True)).mend
    assert way_out(table(GATEWAY, main=True), table()).wrong


def test_endpoints_alone_do_when_all_are_there() -> None:
    near = [endpoint("s3", "Gateway"), endpoint("ec2"), endpoint("autoscaling")]
    assert not way_out(table(), public=False, near=near).mend
    assert "ec2" in way_out(table(), public=False, near=[near[0], near[2]]).mend


def test_a_way_to_s3_through_a_nat_gateway_costs_and_is_no_fault() -> None:
    _, s3 = check_subnet(SUBNET, [table(NAT)], [])
    assert s3.mend
    assert not s3.wrong
    _, s3 = check_subnet(SUBNET, [table(NAT)], [endpoint("s3", "Gateway")])
    assert not s3.mend


def test_a_gate_lets_https_out_and_nobody_in() -> None:
    well = {"GroupId": "sg-1", "IpPermissionsEgress": [HTTPS], "IpPermissions": []}
    assert not any(check.mend for check in check_gate(well))
    (out, _) = check_gate({**well, "IpPermissionsEgress": [{**HTTPS, "FromPort": 444}]})
    assert "authorize-security-group-egress" in out.mend
    (_, inbound) = check_gate({**well, "IpPermissions": [{**HTTPS, "FromPort": 22}]})
    assert "port 22" in inbound.found


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("g6e.xlarge", {"L-DB2E81BA", "L-3819A6DF"}),
        ("c7i.8xlarge", {"L-1216C47A", "L-34B43A08"}),
        ("p5.48xlarge", {"L-417A185B", "L-C4BD4855"}),
        ("p4d.24xlarge", {"L-417A185B", "L-7212CCBC"}),
        ("x2idn.16xlarge", {"L-7295265B", "L-E3A00192"}),
        ("hpc7a.96xlarge", set()),
    ],
)
def test_a_machine_type_is_counted_by_its_familys_quotas(kind: str, codes: set[str]) -> None:
    assert {quota.code for quota in quotas_for(kind)} == codes


def test_a_quota_that_was_asked_for_is_waited_for() -> None:
    (quota, _) = quotas_for("g6e.xlarge")

    def check(**asked: Any) -> Check:  # noqa: ANN401
        requested = [asked] if asked else []
        return check_quota(
            quota, 0.0, need=4, kind="g6e.xlarge", requested=requested, region="us-west-2"
        )

    assert "--desired-value 8" in check().mend
    assert not check(Status="PENDING", DesiredValue=8).wrong
    assert check(Status="DENIED", DesiredValue=8).wrong
    assert check(Status="PENDING", DesiredValue=2).wrong
