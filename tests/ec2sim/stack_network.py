"""The parts of a network that a CloudFormation stack may have here."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.ec2sim.stack_kinds import Clients, Kind, Properties, tags_of_new

__all__ = ["NETWORK"]


class Vpc(Kind):
    """A network."""

    known = frozenset({"CidrBlock", "EnableDnsSupport", "EnableDnsHostnames", "Tags"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        ec2 = clients("ec2")
        made = ec2.create_vpc(
            CidrBlock=properties["CidrBlock"], TagSpecifications=tags_of_new("vpc", properties)
        )
        it = str(made["Vpc"]["VpcId"])
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            value = {"Value": properties.get(attribute, False)}
            ec2.modify_vpc_attribute(VpcId=it, **{attribute: value})
        return it

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("ec2").delete_vpc(VpcId=it)


class InternetGateway(Kind):
    """A way to the Internet."""

    known = frozenset({"Tags"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        made = clients("ec2").create_internet_gateway(
            TagSpecifications=tags_of_new("internet-gateway", properties)
        )
        return str(made["InternetGateway"]["InternetGatewayId"])

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("ec2").delete_internet_gateway(InternetGatewayId=it)


class GatewayAttachment(Kind):
    """A gateway at a network."""

    known = frozenset({"VpcId", "InternetGatewayId"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        clients("ec2").attach_internet_gateway(**properties)
        return f"IGW|{properties['VpcId']}"

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("ec2").detach_internet_gateway(**properties)


class RouteTable(Kind):
    """Routes of subnets."""

    known = frozenset({"VpcId", "Tags"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        made = clients("ec2").create_route_table(
            VpcId=properties["VpcId"], TagSpecifications=tags_of_new("route-table", properties)
        )
        return str(made["RouteTable"]["RouteTableId"])

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("ec2").delete_route_table(RouteTableId=it)


class Route(Kind):
    """One route."""

    known = frozenset({"RouteTableId", "DestinationCidrBlock", "GatewayId"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        clients("ec2").create_route(**properties)
        return f"{properties['RouteTableId']}|{properties['DestinationCidrBlock']}"

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        table, _, block = it.partition("|")
        clients("ec2").delete_route(RouteTableId=table, DestinationCidrBlock=block)


class Subnet(Kind):
    """A subnet."""

    known = frozenset({"VpcId", "AvailabilityZone", "CidrBlock", "MapPublicIpOnLaunch", "Tags"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        ec2 = clients("ec2")
        made = ec2.create_subnet(
            VpcId=properties["VpcId"],
            AvailabilityZone=properties["AvailabilityZone"],
            CidrBlock=properties["CidrBlock"],
            TagSpecifications=tags_of_new("subnet", properties),
        )
        it = str(made["Subnet"]["SubnetId"])
        public = {"Value": properties.get("MapPublicIpOnLaunch", False)}
        ec2.modify_subnet_attribute(SubnetId=it, MapPublicIpOnLaunch=public)
        return it

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("ec2").delete_subnet(SubnetId=it)


class SubnetRoutes(Kind):
    """A subnet's routes."""

    known = frozenset({"SubnetId", "RouteTableId"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        return str(clients("ec2").associate_route_table(**properties)["AssociationId"])

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("ec2").disassociate_route_table(AssociationId=it)


class VpcEndpoint(Kind):
    """A short way to a service of AWS's."""

    known = frozenset({"VpcEndpointType", "VpcId", "ServiceName", "RouteTableIds", "Tags"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        asked = {key: value for key, value in properties.items() if key != "Tags"}
        made = clients("ec2").create_vpc_endpoint(
            **asked, TagSpecifications=tags_of_new("vpc-endpoint", properties)
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("ec2").delete_vpc_endpoints(VpcEndpointIds=[it])


class SecurityGroup(Kind):
    """A security group; where it says what may go out, nothing else may."""

    known = frozenset({"GroupDescription", "VpcId", "SecurityGroupEgress", "Tags"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        ec2 = clients("ec2")
        made = ec2.create_security_group(
            GroupName=name,
            Description=properties["GroupDescription"],
            VpcId=properties["VpcId"],
            TagSpecifications=tags_of_new("security-group", properties),
        )
        it = str(made["GroupId"])
        if rules := properties.get("SecurityGroupEgress"):
            everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
            ec2.revoke_security_group_egress(GroupId=it, IpPermissions=everything)
            ec2.authorize_security_group_egress(GroupId=it, IpPermissions=_permissions(rules))
        return it

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("ec2").delete_security_group(GroupId=it)


def _permissions(rules: Sequence[Properties]) -> list[dict[str, Any]]:
    return [
        {
            "IpProtocol": rule["IpProtocol"],
            "FromPort": rule["FromPort"],
            "ToPort": rule["ToPort"],
            "IpRanges": [{"CidrIp": rule["CidrIp"], "Description": rule["Description"]}],
        }
        for rule in rules
    ]


NETWORK: Mapping[str, Kind] = {
    "AWS::EC2::InternetGateway": InternetGateway(),
    "AWS::EC2::Route": Route(),
    "AWS::EC2::RouteTable": RouteTable(),
    "AWS::EC2::SecurityGroup": SecurityGroup(),
    "AWS::EC2::Subnet": Subnet(),
    "AWS::EC2::SubnetRouteTableAssociation": SubnetRoutes(),
    "AWS::EC2::VPC": Vpc(),
    "AWS::EC2::VPCEndpoint": VpcEndpoint(),
    "AWS::EC2::VPCGatewayAttachment": GatewayAttachment(),
}
