"""What Auto Scaling refuses about a group, and in which words."""

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends

from tests.ec2sim.group_launches import template_named
from tests.ec2sim.groups import Sizes, Tag
from tests.ec2sim.known import check_known
from tests.ec2sim.launching import Launcher, Order, market_of, merged
from tests.ec2sim.refusals import NotSimulatedError, Refusal
from tests.ec2sim.templates import template_of

__all__ = ["check_simulated", "check_sizes", "check_template", "invalid", "subnets_of", "tags_of"]

_OVERRIDE = frozenset({"InstanceType", "LaunchTemplateSpecification"})


def invalid(message: str) -> Refusal:
    """Auto Scaling's error for most of what is wrong."""
    return Refusal("ValidationError", message)


def check_simulated(asked: Mapping[str, Any]) -> None:
    """Refuse what of a group the simulator does not do."""
    if asked.get("CapacityRebalance"):
        raise NotSimulatedError("CapacityRebalance")
    overrides = asked.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("Overrides", [])
    for each in overrides:
        check_known(each, _OVERRIDE, "an override")


def check_sizes(sizes: Sizes) -> Sizes:
    """The sizes, if a group may have them.

    Raises:
        Refusal: It may not.
    """
    if sizes.least > sizes.most:
        raise invalid(
            f"Max bound, {sizes.most}, must be greater than or equal to min bound, {sizes.least}"
        )
    if not sizes.least <= sizes.desired <= sizes.most:
        raise invalid(
            f"Desired capacity:{sizes.desired} must be between the specified min "
            f"size:{sizes.least} and max size:{sizes.most}"
        )
    return sizes


def check_template(account: str, region: str, asked: Mapping[str, Any], launcher: Launcher) -> None:
    """See that there is one template, and that instances can be launched from it.

    Raises:
        Refusal: As Auto Scaling refuses.
    """
    if ("LaunchTemplate" in asked) == ("MixedInstancesPolicy" in asked):
        raise invalid(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, "
            "InstanceId or MixedInstancesPolicy parameter."
        )
    named = template_named(asked)
    if ("LaunchTemplateId" in named) == ("LaunchTemplateName" in named):
        raise invalid("Valid requests must contain either launchTemplateId or LaunchTemplateName")
    try:
        says = template_of(account, region, named)[2]
    except ServiceException as error:
        raise _no_template(error.message) from error
    if not says.get("ImageId"):
        raise _no_template("The request must contain the parameter ImageId")
    mixed = asked.get("MixedInstancesPolicy")
    overrides = mixed["LaunchTemplate"].get("Overrides", []) if mixed else []
    if not overrides and not says.get("InstanceType"):
        raise _no_template("The request must contain the parameter InstanceType")
    if mixed and market_of(says) == "spot":
        raise invalid(
            "Incompatible launch template: Launch templates that request Spot Instances cannot be "
            "used with a mixed instances policy."
        )
    for kind in [each["InstanceType"] for each in overrides] or [says["InstanceType"]]:
        try:
            launcher.check(Order(account, region, merged(says, {"InstanceType": kind})))
        except ServiceException as error:
            raise _no_template(error.message) from error


def _no_template(why: str) -> Refusal:
    return invalid(f"You must use a valid fully-formed launch template. {why}")


def subnets_of(account: str, region: str, asked: Mapping[str, Any]) -> dict[str, str]:
    """The group's subnets by zone.

    Raises:
        Refusal: There is no such subnet, or none was named.
    """
    backend = ec2_backends[account][region]
    named = [each.strip() for each in asked.get("VPCZoneIdentifier", "").split(",") if each.strip()]
    zones = asked.get("AvailabilityZones", [])
    if not named and not zones:
        raise invalid("At least one Availability Zone or VPC Subnet is required.")
    if not named:
        defaults = backend.get_default_subnets()
        if missing := [zone for zone in zones if zone not in defaults]:
            raise invalid(f"Invalid availability zones [{missing[0]}]")
        return {zone: defaults[zone].id for zone in zones}
    found = {}
    for each in named:
        if each not in {subnet.id for subnet in backend.describe_subnets()}:
            raise invalid(f"The subnet ID '{each}' does not exist")
        found[backend.get_subnet(each).availability_zone] = each
    if zones and set(zones) != set(found):
        raise invalid(
            "The availability zones of the specified subnets and the Auto Scaling group do not "
            "match"
        )
    return found


def tags_of(asked: Mapping[str, Any]) -> dict[str, Tag]:
    """The tags, by key.

    Raises:
        Refusal: A tag is AWS's own.
    """
    tags = {}
    for each in asked.get("Tags", []):
        if each["Key"].startswith("aws:"):
            raise invalid("Caller is not authorized to use the prefix aws: for tag keys")
        at_launch = bool(each.get("PropagateAtLaunch", False))
        tags[each["Key"]] = Tag(each["Key"], each.get("Value", ""), at_launch)
    return tags
