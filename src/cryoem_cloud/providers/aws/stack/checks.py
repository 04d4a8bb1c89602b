"""What `cryoem aws doctor` says of what AWS answered: decisions, no calls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryoem_cloud.providers.aws.quotas import Quota, asks_for

__all__ = ["Check", "check_gate", "check_quota", "check_subnet"]

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `mend` is empty where it is well.

    `needed` is false for what costs more, or is missing and nobody needs yet.
    """

    what: str
    found: str
    mend: str = ""
    needed: bool = True

    @property
    def wrong(self) -> bool:
        """Whether somebody must do something."""
        return self.needed and bool(self.mend)


def check_quota(
    quota: Quota,
    have: float,
    *,
    need: int,
    kind: str,
    requested: Sequence[Mapping[str, Any]],
    region: str,
) -> Check:
    """Whether the account may have `need` vCPUs; `requested` are its requests for more."""
    what = f"quota {quota.code} ({kind}, {quota.market.value})"
    open_ = [each for each in requested if each.get("Status") in {"PENDING", "CASE_OPENED"}]
    asked = max((float(each["DesiredValue"]) for each in open_), default=0.0)
    said = f"have {have:.0f} vCPUs, need {need}"
    if have >= need:
        return Check(what, said)
    if asked >= need:
        mend = "wait: AWS answers within hours or a few days"
        return Check(what, f"{said}, requested {asked:.0f}", mend, needed=False)
    mend = asks_for(quota, need, region)
    return Check(what, f"{said}, requested {asked:.0f}" if asked else said, mend)


def check_subnet(
    subnet: Mapping[str, Any],
    tables: Iterable[Mapping[str, Any]],
    endpoints: Iterable[Mapping[str, Any]],
) -> tuple[Check, ...]:
    """Whether machines in a subnet reach AWS on port 443, and S3 without a detour.

    A private subnet does, through a NAT gateway, a transit gateway, or endpoints of its own.
    """
    name = str(subnet["SubnetId"])
    table = _table_of(subnet, tables)
    routes = [each for each in table.get("Routes", ()) if each.get("State") != "blackhole"]
    out = next((e for e in routes if e.get("DestinationCidrBlock") == "0.0.0.0/0"), None)
    near = [each for each in endpoints if each.get("VpcId") == subnet["VpcId"]]
    services = {str(each["ServiceName"]).rpartition(".")[2] for each in near}
    s3 = any(
        each["VpcEndpointType"] == "Gateway"
        and str(each["ServiceName"]).endswith(".s3")
        and table.get("RouteTableId") in each.get("RouteTableIds", ())
        for each in near
    )
    return (_way_out(name, subnet, out, services, s3=s3), _way_to_s3(name, table, s3=s3))


def check_gate(group: Mapping[str, Any]) -> tuple[Check, ...]:
    """Whether a security group lets HTTPS out, and nobody in."""
    name = str(group["GroupId"])
    out = any(
        rule["IpProtocol"] in {"-1", "tcp"}
        and rule.get("FromPort", 0) <= _HTTPS <= rule.get("ToPort", 65535)
        and (rule.get("IpRanges") or rule.get("PrefixListIds"))
        for rule in group["IpPermissionsEgress"]
    )
    way = Check(f"security group {name}", "lets HTTPS out")
    if not out:
        mend = (
            f"aws ec2 authorize-security-group-egress --group-id {name} --protocol tcp "
            "--port 443 --cidr 0.0.0.0/0"
        )
        way = Check(way.what, "lets no HTTPS out", mend)
    if not group["IpPermissions"]:
        return (way, Check(f"security group {name}", "lets nobody in"))
    ports = ", ".join(str(rule.get("FromPort", "all")) for rule in group["IpPermissions"])
    mend = f"aws ec2 revoke-security-group-ingress --group-id {name} …, unless you want that"
    return (
        way,
        Check(f"security group {name}", f"lets others in (port {ports})", mend, needed=False),
    )


def _table_of(subnet: Mapping[str, Any], tables: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The subnet's own route table, else the main one of its VPC."""
    main: Mapping[str, Any] = {}
    for table in tables:
        for each in table.get("Associations", ()):
            if each.get("SubnetId") == subnet["SubnetId"]:
                return table
            if each.get("Main") and table.get("VpcId") == subnet["VpcId"]:
                main = table
    return main


def _way_out(
    name: str,
    subnet: Mapping[str, Any],
    out: Mapping[str, Any] | None,
    services: set[str],
    *,
    s3: bool,
) -> Check:
    what = f"subnet {name}"
    if out is None:
        lacking = sorted({"autoscaling", "ec2"} - services) + (
            [] if s3 or "s3" in services else ["s3"]
        )
        if not lacking:
            return Check(what, "reaches AWS through its own endpoints; nothing else")
        mend = "give it a route for 0.0.0.0/0 through a NAT gateway, or endpoints for " + ", ".join(
            lacking
        )
        return Check(what, "has no way out on port 443", mend)
    if not str(out.get("GatewayId", "")).startswith("igw-"):
        by = out.get("NatGatewayId") or out.get("TransitGatewayId") or "a gateway of your network"
        return Check(what, f"private, out through {by}")
    if subnet.get("MapPublicIpOnLaunch"):
        return Check(what, "public, out through its internet gateway")
    mend = f"aws ec2 modify-subnet-attribute --subnet-id {name} --map-public-ip-on-launch"
    return Check(what, "leads to an internet gateway, but gives machines no public address", mend)


def _way_to_s3(name: str, table: Mapping[str, Any], *, s3: bool) -> Check:
    what = f"subnet {name}, way to S3"
    if s3:
        return Check(what, "short, and free of charge")
    mend = (
        f"aws ec2 create-vpc-endpoint --vpc-id {table.get('VpcId', 'VPC')} --service-name "
        f"com.amazonaws.REGION.s3 --route-table-ids {table.get('RouteTableId', 'TABLE')}"
    )
    return Check(what, "no S3 endpoint: a NAT gateway would charge each GB", mend, needed=False)
