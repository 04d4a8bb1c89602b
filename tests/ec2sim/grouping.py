"""What tests of Auto Scaling look at, and the policies that they give."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.ec2sim.asking import Client

__all__ = ["MINUTE", "Make", "activities", "members", "mixed", "shown", "spot", "zones"]

MINUTE = 60.0
Make = Callable[..., None]


def shown(autoscaling: Client, name: str = "g") -> dict[str, Any]:
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return dict(found["AutoScalingGroups"][0])


def members(autoscaling: Client) -> list[str]:
    return [each["InstanceId"] for each in shown(autoscaling)["Instances"]]


def zones(autoscaling: Client) -> Counter[str]:
    return Counter(each["AvailabilityZone"] for each in shown(autoscaling)["Instances"])


def activities(autoscaling: Client) -> list[dict[str, Any]]:
    return list(autoscaling.describe_scaling_activities(AutoScalingGroupName="g")["Activities"])


def mixed(*types: str, **distribution: object) -> dict[str, object]:
    return {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": "job", "Version": "$Latest"},
            "Overrides": [{"InstanceType": each} for each in types],
        },
        "InstancesDistribution": distribution,
    }


def spot(*types: str) -> dict[str, object]:
    return mixed(
        *types,
        OnDemandPercentageAboveBaseCapacity=0,
        SpotAllocationStrategy="price-capacity-optimized",
    )
