"""Auto Scaling's answers that describe: groups, instances, activities, scheduled actions, tags."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult

from tests.ec2sim.groups import Activity, Group, Key, Member, Tag
from tests.ec2sim.known import check_call
from tests.ec2sim.launching import Launcher
from tests.ec2sim.refusals import NotSimulatedError, Refusing
from tests.ec2sim.scaling import Scaling

__all__ = ["DescribingGroups"]

_PAGE = 50


class DescribingGroups(Refusing):
    """One request to Auto Scaling."""

    def __init__(self, scaling: Scaling, launcher: Launcher) -> None:
        super().__init__("autoscaling")
        self.automated_parameter_parsing = True
        self._scaling = scaling
        self._launcher = launcher

    def call_action(self) -> TYPE_RESPONSE:
        """Answer, unless something of the request would be passed over."""
        try:
            check_call(self._get_action(), self.params)
        except NotSimulatedError as refusal:
            return self.serialized(ActionResult(refusal))
        return super().call_action()

    def describe_auto_scaling_groups(self) -> ActionResult:
        """The groups that are named, or all; a name that nobody has is passed over."""
        names = self._get_param("AutoScalingGroupNames", [])
        found = [
            group
            for group in self._scaling.groups(self._key)
            if (not names or group.name in names) and self._passes(group)
        ]
        return self._paged("AutoScalingGroups", [_group(group) for group in found])

    def describe_auto_scaling_instances(self) -> ActionResult:
        """The instances of all groups, or those that are named."""
        wanted = self._get_param("InstanceIds", [])
        found = [
            {**_member(member), "AutoScalingGroupName": group.name, "HealthStatus": _caps(member)}
            for group in self._scaling.groups(self._key)
            for member in group.members.values()
            if not wanted or member.instance_id in wanted
        ]
        return self._paged("AutoScalingInstances", found)

    def describe_scaling_activities(self) -> ActionResult:
        """What groups did, the newest first; of deleted groups only if they are asked for."""
        name = self._get_param("AutoScalingGroupName")
        wanted = self._get_param("ActivityIds", [])
        deleted = self._get_bool_param("IncludeDeletedGroups", if_none=False)
        found = [
            self._activity(each)
            for each in self._scaling.activities(self._key)
            if name in {None, each.group}
            and (not wanted or each.id in wanted)
            and (deleted or self._is_of_living(each))
        ]
        return self._paged("Activities", found, size=100)

    def _is_of_living(self, activity: Activity) -> bool:
        """Whether its group is there: not another one that has the name of a deleted one."""
        group = self._scaling.find(self._key, activity.group)
        return group is not None and activity.started >= group.created

    def describe_scheduled_actions(self) -> ActionResult:
        """The scheduled actions that have not run."""
        name = self._get_param("AutoScalingGroupName")
        wanted = self._get_param("ScheduledActionNames", [])
        found = [
            {
                "AutoScalingGroupName": group.name,
                "ScheduledActionName": action.name,
                "ScheduledActionARN": f"{group.arn}:scheduledActionName/{action.name}",
                "StartTime": action.starts,
                "Time": action.starts,
                "MinSize": action.least,
                "MaxSize": action.most,
                "DesiredCapacity": action.desired,
            }
            for group in self._scaling.groups(self._key)
            if name in {None, group.name}
            for action in sorted(group.scheduled.values(), key=lambda each: each.starts)
            if not wanted or action.name in wanted
        ]
        return self._paged("ScheduledUpdateGroupActions", found)

    def describe_tags(self) -> ActionResult:
        """The tags of groups."""
        filters = {each["Name"]: each.get("Values", []) for each in self._get_param("Filters", [])}
        found = [
            _tag(group, tag)
            for group in self._scaling.groups(self._key)
            for tag in group.tags.values()
            if group.name in filters.get("auto-scaling-group", [group.name])
            and tag.key in filters.get("key", [tag.key])
            and tag.value in filters.get("value", [tag.value])
        ]
        return self._paged("Tags", found)

    @property
    def _key(self) -> Key:
        return self.current_account, self.region

    def _passes(self, group: Group) -> bool:
        return all(
            _fits(group, each["Name"], each.get("Values", []))
            for each in self._get_param("Filters", [])
        )

    def _paged(self, name: str, found: Sequence[object], *, size: int = _PAGE) -> ActionResult:
        start = int(self._get_param("NextToken") or 0)
        end = start + int(self._get_param("MaxRecords") or size)
        token = str(end) if end < len(found) else None
        return ActionResult({name: list(found[start:end]), "NextToken": token})

    def _activity(self, activity: Activity) -> Mapping[str, object]:
        shown: dict[str, object] = {
            "ActivityId": activity.id,
            "AutoScalingGroupName": activity.group,
            "Description": activity.description,
            "Cause": activity.cause,
            "StartTime": activity.started,
            "EndTime": activity.ended,
            "StatusCode": activity.status,
            "StatusMessage": activity.message or None,
            "Progress": activity.progress,
            "Details": activity.details,
        }
        return {key: value for key, value in shown.items() if value is not None}


def _fits(group: Group, name: str, values: Sequence[str]) -> bool:
    if name == "tag-key":
        return any(key in values for key in group.tags)
    if name == "tag-value":
        return any(tag.value in values for tag in group.tags.values())
    if name.startswith("tag:"):
        tag = group.tags.get(name.removeprefix("tag:"))
        return tag is not None and tag.value in values
    raise NotSimulatedError(f"the filter {name} of DescribeAutoScalingGroups")


def _group(group: Group) -> Mapping[str, object]:
    repeated: dict[str, Any] = {
        key: value
        for key, value in group.asked.items()
        if key not in {"Tags", "MinSize", "MaxSize", "DesiredCapacity", "AvailabilityZones"}
    }
    created: datetime = group.created
    return {
        **repeated,
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "MinSize": group.sizes.least,
        "MaxSize": group.sizes.most,
        "DesiredCapacity": group.sizes.desired,
        "AvailabilityZones": list(group.zones),
        "VPCZoneIdentifier": ",".join(group.subnets[zone] for zone in group.zones),
        "CreatedTime": created,
        "Instances": [
            {**_member(member), "HealthStatus": "Healthy" if member.healthy else "Unhealthy"}
            for member in group.members.values()
        ],
        "SuspendedProcesses": [
            {"ProcessName": process, "SuspensionReason": why}
            for process, why in sorted(group.suspended.items())
        ],
        "Tags": [_tag(group, tag) for tag in group.tags.values()],
        "TerminationPolicies": ["Default"],
        **({"Status": "Delete in progress"} if group.deleting else {}),
    }


def _member(member: Member) -> Mapping[str, object]:
    return {
        "InstanceId": member.instance_id,
        "InstanceType": member.type,
        "AvailabilityZone": member.zone,
        "LifecycleState": member.state,
        "LaunchTemplate": member.template,
        "ProtectedFromScaleIn": member.protected,
    }


def _caps(member: Member) -> str:
    return "HEALTHY" if member.healthy else "UNHEALTHY"


def _tag(group: Group, tag: Tag) -> Mapping[str, object]:
    return {
        "ResourceId": group.name,
        "ResourceType": "auto-scaling-group",
        "Key": tag.key,
        "Value": tag.value,
        "PropagateAtLaunch": tag.at_launch,
    }
