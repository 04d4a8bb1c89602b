"""Everything that there is in an account, of all services that we use: a test ends with nothing."""

from collections.abc import Callable, Iterator

from tests.ec2sim.asking import Client

__all__ = ["census"]

_ACCOUNT = "123456789012"
_ENDED = {"terminated"}
_KEPT_BY_AWS = "/aws-service-role/"


def census(connect: Callable[[str], Client]) -> dict[str, list[str]]:
    """What there is, by kind, where there is some.

    Left out is what every account has: the default networks, public images and parameters, AWS's
    own policies and the roles of its services; and instances that have ended.
    """
    found = {**_of_ec2(connect("ec2")), **_of_iam(connect("iam")), **_of_others(connect)}
    return {kind: sorted(names) for kind, names in found.items() if names}


def _of_ec2(ec2: Client) -> dict[str, list[str]]:
    default = {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if each["IsDefault"]}

    def ids(listing: str, field: str, name: str) -> list[str]:
        found = getattr(ec2, listing)()[field]
        there = [each for each in found if each.get("State") != "deleted"]
        return [each[name] for each in there if each.get("VpcId") not in default]

    instances = [
        each["InstanceId"]
        for one in ec2.describe_instances()["Reservations"]
        for each in one["Instances"]
        if each["State"]["Name"] not in _ENDED
    ]
    gateways = [
        each["InternetGatewayId"]
        for each in ec2.describe_internet_gateways()["InternetGateways"]
        if not {at["VpcId"] for at in each["Attachments"]} & default
    ]
    return {
        "instances": instances,
        "internet gateways": gateways,
        "volumes": ids("describe_volumes", "Volumes", "VolumeId"),
        "templates": ids("describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
        "vpcs": ids("describe_vpcs", "Vpcs", "VpcId"),
        "subnets": ids("describe_subnets", "Subnets", "SubnetId"),
        "route tables": ids("describe_route_tables", "RouteTables", "RouteTableId"),
        "endpoints": ids("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        "security groups": ids("describe_security_groups", "SecurityGroups", "GroupId"),
        "interfaces": ids("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
        "addresses": ids("describe_addresses", "Addresses", "PublicIp"),
        "keys": ids("describe_key_pairs", "KeyPairs", "KeyName"),
        "images": [each["ImageId"] for each in ec2.describe_images(Owners=["self"])["Images"]],
        "snapshots": [
            each["SnapshotId"]
            for each in ec2.describe_snapshots()["Snapshots"]
            if each["OwnerId"] == _ACCOUNT
        ],
    }


def _of_iam(iam: Client) -> dict[str, list[str]]:
    roles = iam.list_roles()["Roles"]
    return {
        "roles": [each["RoleName"] for each in roles if not each["Path"].startswith(_KEPT_BY_AWS)],
        "instance profiles": [
            each["InstanceProfileName"] for each in iam.list_instance_profiles()["InstanceProfiles"]
        ],
        "policies": [each["PolicyName"] for each in iam.list_policies(Scope="Local")["Policies"]],
        "users": [each["UserName"] for each in iam.list_users()["Users"]],
    }


def _of_others(connect: Callable[[str], Client]) -> dict[str, list[str]]:
    autoscaling = connect("autoscaling")
    groups = [
        each["AutoScalingGroupName"]
        for each in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    ]
    actions = autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    budgets = connect("budgets").describe_budgets(AccountId=_ACCOUNT)["Budgets"]
    stacks = connect("cloudformation").describe_stacks()["Stacks"]
    return {
        "buckets": [each["Name"] for each in connect("s3").list_buckets()["Buckets"]],
        "groups": groups,
        "scheduled actions": [each["ScheduledActionName"] for each in actions],
        "stacks": [each["StackName"] for each in stacks],
        "budgets": [each["BudgetName"] for each in budgets],
        "alarms": list(_alarms(connect("cloudwatch"))),
    }


def _alarms(cloudwatch: Client) -> Iterator[str]:
    for each in cloudwatch.describe_alarms()["MetricAlarms"]:
        yield each["AlarmName"]
