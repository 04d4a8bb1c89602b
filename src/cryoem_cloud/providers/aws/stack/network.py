"""The network of machines, as CloudFormation makes it: out on port 443, and no way in."""

from typing import Any

from cryoem_cloud.providers.aws.stack.choices import Choices

__all__ = ["gate", "network", "subnets_of"]

Resources = dict[str, dict[str, Any]]

_SPACE = "10.73.0.0/16"
_HTTPS = 443
_SUBNETS = 16
"""Of 4,091 addresses each."""


def subnets_of(choices: Choices) -> dict[str, str]:
    """The subnets that the stack makes, by their names in the template; the zone of each."""
    if choices.subnets:
        return {}
    return {f"Subnet{zone[len(choices.region) :].upper()}": zone for zone in choices.zones}


def network(choices: Choices, tags: list[dict[str, str]]) -> Resources:
    """A public subnet in each zone, and S3 without a detour; nothing where the VPC is given."""
    subnets = subnets_of(choices)
    if not subnets:
        return {}
    made = {
        "Network": _vpc(tags),
        "WayOut": {"Type": "AWS::EC2::InternetGateway", "Properties": {"Tags": tags}},
        "WayOutOfNetwork": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {
                "VpcId": {"Ref": "Network"},
                "InternetGatewayId": {"Ref": "WayOut"},
            },
        },
        "Routes": {
            "Type": "AWS::EC2::RouteTable",
            "Properties": {"VpcId": {"Ref": "Network"}, "Tags": tags},
        },
        "RouteOut": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "WayOutOfNetwork",
            "Properties": {
                "RouteTableId": {"Ref": "Routes"},
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": {"Ref": "WayOut"},
            },
        },
        "RouteToStore": _s3_endpoint(choices.region, tags),
    }
    for number, (name, zone) in enumerate(sorted(subnets.items())):
        made |= _subnet(name, zone, number, tags)
    return made


def gate(choices: Choices, tags: list[dict[str, str]]) -> dict[str, Any]:
    """The security group of machines."""
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": "cryoem: machines let nobody in and speak HTTPS",
            "VpcId": choices.vpc or {"Ref": "Network"},
            "SecurityGroupEgress": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": _HTTPS,
                    "ToPort": _HTTPS,
                    "CidrIp": "0.0.0.0/0",
                    "Description": "HTTPS",
                }
            ],
            "Tags": tags,
        },
    }


def _vpc(tags: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::VPC",
        "Properties": {
            "CidrBlock": _SPACE,
            "EnableDnsSupport": True,
            "EnableDnsHostnames": True,
            "Tags": tags,
        },
    }


def _s3_endpoint(region: str, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::VPCEndpoint",
        "Properties": {
            "VpcEndpointType": "Gateway",
            "VpcId": {"Ref": "Network"},
            "ServiceName": f"com.amazonaws.{region}.s3",
            "RouteTableIds": [{"Ref": "Routes"}],
            "Tags": tags,
        },
    }


def _subnet(name: str, zone: str, number: int, tags: list[dict[str, str]]) -> Resources:
    return {
        name: {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Network"},
                "AvailabilityZone": zone,
                "CidrBlock": f"10.73.{number * 256 // _SUBNETS}.0/20",
                "MapPublicIpOnLaunch": True,
                "Tags": tags,
            },
        },
        f"{name}Routes": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": name}, "RouteTableId": {"Ref": "Routes"}},
        },
    }
