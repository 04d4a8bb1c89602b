"""What the simulator heeds of a request: all else it refuses, rather than pass it over."""

from collections.abc import Mapping

from tests.ec2sim.refusals import NotSimulatedError

__all__ = ["AUTO_SCALING", "LAUNCH", "check_call", "check_dry_run", "check_known"]

# EC2's calls of which DryRun does nothing here; moto carries out some of the others.
_DRY_RUN = frozenset(
    {
        "CreateLaunchTemplate",
        "CreateTags",
        "DeleteLaunchTemplate",
        "DeleteSnapshot",
        "DeleteVolume",
        "DeregisterImage",
        "DescribeImages",
        "DescribeInstances",
        "DescribeLaunchTemplates",
        "GetConsoleOutput",
        "RunInstances",
        "StartInstances",
        "StopInstances",
        "TerminateInstances",
    }
)

# Of RunInstances, and of a launch template's data.
LAUNCH = frozenset(
    {
        "BlockDeviceMappings",
        "ClientToken",
        "DisableApiTermination",
        "DryRun",
        "EbsOptimized",
        "IamInstanceProfile",
        "ImageId",
        "InstanceInitiatedShutdownBehavior",
        "InstanceMarketOptions",
        "InstanceType",
        "KeyName",
        "LaunchTemplate",
        "MaxCount",
        "MetadataOptions",
        "MinCount",
        "Monitoring",
        "NetworkInterfaces",
        "Placement",
        "PrivateIpAddress",
        "SecurityGroupIds",
        "SecurityGroups",
        "SubnetId",
        "TagSpecifications",
        "UserData",
    }
)

_NAME = frozenset({"AutoScalingGroupName"})
_PAGE = frozenset({"MaxRecords", "NextToken"})
_GROUP = _NAME | {
    "AvailabilityZones",
    "CapacityRebalance",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DesiredCapacity",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "LaunchTemplate",
    "MaxSize",
    "MinSize",
    "MixedInstancesPolicy",
    "NewInstancesProtectedFromScaleIn",
    "ServiceLinkedRoleARN",
    "VPCZoneIdentifier",
}

# Auto Scaling's calls, and what is heeded of each.
AUTO_SCALING: Mapping[str, frozenset[str]] = {
    "CreateAutoScalingGroup": _GROUP | {"Tags"},
    "CreateOrUpdateTags": frozenset({"Tags"}),
    "DeleteAutoScalingGroup": _NAME | {"ForceDelete"},
    "DeleteScheduledAction": _NAME | {"ScheduledActionName"},
    "DeleteTags": frozenset({"Tags"}),
    "DescribeAutoScalingGroups": _PAGE | {"AutoScalingGroupNames", "Filters"},
    "DescribeAutoScalingInstances": _PAGE | {"InstanceIds"},
    "DescribeScalingActivities": _PAGE
    | _NAME
    | {"ActivityIds", "AutoScalingGroupName", "IncludeDeletedGroups"},
    "DescribeScheduledActions": _PAGE | _NAME | {"ScheduledActionNames"},
    "DescribeTags": _PAGE | {"Filters"},
    "PutScheduledUpdateGroupAction": _NAME
    | {"DesiredCapacity", "MaxSize", "MinSize", "ScheduledActionName", "StartTime", "Time"},
    "ResumeProcesses": _NAME | {"ScalingProcesses"},
    "SetDesiredCapacity": _NAME | {"DesiredCapacity"},
    "SetInstanceHealth": frozenset({"HealthStatus", "InstanceId", "ShouldRespectGracePeriod"}),
    "SetInstanceProtection": _NAME | {"InstanceIds", "ProtectedFromScaleIn"},
    "SuspendProcesses": _NAME | {"ScalingProcesses"},
    "TerminateInstanceInAutoScalingGroup": frozenset(
        {"InstanceId", "ShouldDecrementDesiredCapacity"}
    ),
    "UpdateAutoScalingGroup": _GROUP,
}


def check_call(call: str, asked: Mapping[str, object]) -> None:
    """See that a call to Auto Scaling is simulated, with all that it asks for.

    Raises:
        NotSimulatedError: It is not.
    """
    if call not in AUTO_SCALING:
        raise NotSimulatedError(f"{call} of Auto Scaling")
    check_known(asked, AUTO_SCALING[call], call)


def check_dry_run(call: str, asked: Mapping[str, object]) -> None:
    """See that a call to EC2 that is to do nothing would do nothing.

    Raises:
        NotSimulatedError: It would do something.
    """
    if asked.get("DryRun") and call not in _DRY_RUN:
        raise NotSimulatedError(f"DryRun of {call}")


def check_known(asked: Mapping[str, object], known: frozenset[str], of: str) -> None:
    """See that all of the request would be heeded.

    Raises:
        NotSimulatedError: Something would be passed over.
    """
    for name in sorted(set(asked) - known):
        raise NotSimulatedError(f"{name} of {of}")
