"""The things that a CloudFormation stack may have here: how each is made, changed and removed.

A kind that is not in the table is refused, as is a property that would be passed over.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.ec2sim.asking import Client
from tests.ec2sim.refusals import NotSimulatedError

__all__ = ["RESOURCES", "Clients", "Kind"]

Clients = Callable[[str], Client]
Properties = Mapping[str, Any]


class Kind:
    """A kind of things. `known` are the properties that are heeded."""

    known: frozenset[str] = frozenset()

    def check(self, properties: Properties) -> None:
        """See that nothing would be passed over."""
        for name in sorted(set(properties) - self.known):
            raise NotSimulatedError(f"{name} of a {type(self).__name__} in a stack")

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        """Make it; its id. `name` is what CloudFormation would call it."""
        raise NotImplementedError

    def change(self, clients: Clients, it: str, old: Properties, new: Properties) -> None:
        """Make it as the new properties say; tags of EC2's things can be changed."""
        if {**old, "Tags": []} != {**new, "Tags": []}:
            raise NotSimulatedError(f"replacing a {type(self).__name__} of a stack")
        clients("ec2").create_tags(Resources=[it], Tags=new["Tags"])

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        """Remove it."""


def _tags(kind: str, properties: Properties) -> list[dict[str, Any]]:
    tags = properties.get("Tags", [])
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


class Vpc(Kind):
    """A network."""

    known = frozenset({"CidrBlock", "EnableDnsSupport", "EnableDnsHostnames", "Tags"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        ec2 = clients("ec2")
        made = ec2.create_vpc(
            CidrBlock=properties["CidrBlock"], TagSpecifications=_tags("vpc", properties)
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
            TagSpecifications=_tags("internet-gateway", properties)
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
            VpcId=properties["VpcId"], TagSpecifications=_tags("route-table", properties)
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
            TagSpecifications=_tags("subnet", properties),
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
            **asked, TagSpecifications=_tags("vpc-endpoint", properties)
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
            TagSpecifications=_tags("security-group", properties),
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


class Bucket(Kind):
    """A bucket."""

    known = frozenset(
        {
            "BucketEncryption",
            "LifecycleConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
        }
    )

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        s3, it = clients("s3"), name.lower()
        region = s3.meta.region_name
        where = {} if region == "us-east-1" else {"LocationConstraint": region}
        s3.create_bucket(Bucket=it, **({"CreateBucketConfiguration": where} if where else {}))
        self.change(clients, it, {}, properties)
        return it

    def change(self, clients: Clients, it: str, old: Properties, new: Properties) -> None:
        s3 = clients("s3")
        (rule,) = new["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        asked = {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": rule["BucketKeyEnabled"],
        }
        s3.put_bucket_encryption(Bucket=it, ServerSideEncryptionConfiguration={"Rules": [asked]})
        rules = [
            {"ID": each["Id"], "Filter": {"Prefix": ""}, **each}
            for each in new["LifecycleConfiguration"]["Rules"]
        ]
        for each in rules:
            del each["Id"]
        s3.put_bucket_lifecycle_configuration(Bucket=it, LifecycleConfiguration={"Rules": rules})
        s3.put_bucket_ownership_controls(Bucket=it, OwnershipControls=new["OwnershipControls"])
        s3.put_public_access_block(
            Bucket=it, PublicAccessBlockConfiguration=new["PublicAccessBlockConfiguration"]
        )
        s3.put_bucket_tagging(Bucket=it, Tagging={"TagSet": new["Tags"]})

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("s3").delete_bucket(Bucket=it)


class BucketPolicy(Kind):
    """Who may do what with a bucket."""

    known = frozenset({"Bucket", "PolicyDocument"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        clients("s3").put_bucket_policy(
            Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"])
        )
        return str(properties["Bucket"])

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        clients("s3").delete_bucket_policy(Bucket=it)


class ManagedPolicy(Kind):
    """A policy of IAM's."""

    known = frozenset({"ManagedPolicyName", "Path", "Description", "PolicyDocument"})

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        made = clients("iam").create_policy(
            PolicyName=properties["ManagedPolicyName"],
            Path=properties["Path"],
            Description=properties["Description"],
            PolicyDocument=json.dumps(properties["PolicyDocument"]),
        )
        return str(made["Policy"]["Arn"])

    def change(self, clients: Clients, it: str, old: Properties, new: Properties) -> None:
        iam = clients("iam")
        versions = iam.list_policy_versions(PolicyArn=it)["Versions"]
        for each in versions:
            if not each["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=it, VersionId=each["VersionId"])
        document = json.dumps(new["PolicyDocument"])
        iam.create_policy_version(PolicyArn=it, PolicyDocument=document, SetAsDefault=True)

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        iam = clients("iam")
        for each in iam.list_policy_versions(PolicyArn=it)["Versions"]:
            if not each["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=it, VersionId=each["VersionId"])
        iam.delete_policy(PolicyArn=it)


RESOURCES: Mapping[str, Kind] = {
    "AWS::EC2::InternetGateway": InternetGateway(),
    "AWS::EC2::Route": Route(),
    "AWS::EC2::RouteTable": RouteTable(),
    "AWS::EC2::SecurityGroup": SecurityGroup(),
    "AWS::EC2::Subnet": Subnet(),
    "AWS::EC2::SubnetRouteTableAssociation": SubnetRoutes(),
    "AWS::EC2::VPC": Vpc(),
    "AWS::EC2::VPCEndpoint": VpcEndpoint(),
    "AWS::EC2::VPCGatewayAttachment": GatewayAttachment(),
    "AWS::IAM::ManagedPolicy": ManagedPolicy(),
    "AWS::S3::Bucket": Bucket(),
    "AWS::S3::BucketPolicy": BucketPolicy(),
}
