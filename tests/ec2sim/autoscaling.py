"""Auto Scaling's answers: groups, their sizes, their instances and scheduled actions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import iam_backends

from tests.ec2sim.autoscaling_answers import DescribingGroups
from tests.ec2sim.group_rules import (
    check_simulated,
    check_sizes,
    check_template,
    invalid,
    subnets_of,
    tags_of,
)
from tests.ec2sim.groups import PROCESSES, Group, Member, Scheduled, Sizes
from tests.ec2sim.refusals import Refusal

__all__ = ["AutoScaling"]

_ROLE = "AWSServiceRoleForAutoScaling"
_DEFAULTS: Mapping[str, object] = {
    "DefaultCooldown": 300,
    "HealthCheckType": "EC2",
    "HealthCheckGracePeriod": 0,
    "NewInstancesProtectedFromScaleIn": False,
}


class AutoScaling(DescribingGroups):
    """One request to Auto Scaling; what only describes is in the class below it."""

    def create_auto_scaling_group(self) -> ActionResult:
        """Make a group, which begins to launch at once."""
        asked = dict(self._get_params())
        name = asked["AutoScalingGroupName"]
        check_simulated(asked)
        if self._scaling.find(self._key, name):
            raise Refusal(
                "AlreadyExists",
                "AutoScalingGroup by this name already exists - A group with the name "
                f"{name} already exists",
            )
        least, most = int(asked["MinSize"]), int(asked["MaxSize"])
        sizes = check_sizes(Sizes(least, most, int(asked.get("DesiredCapacity", least))))
        check_template(self.current_account, self.region, asked, self._launcher)
        subnets = subnets_of(self.current_account, self.region, asked)
        tags = tags_of(asked)
        role = asked.get("ServiceLinkedRoleARN") or self._service_linked_role()
        self._scaling.add(
            Group(
                self.current_account,
                self.region,
                name,
                {**_DEFAULTS, **asked, "ServiceLinkedRoleARN": role},
                sizes,
                subnets,
                tags,
            )
        )
        return EmptyResult()

    def update_auto_scaling_group(self) -> ActionResult:
        """Change what was given; the rest stays."""
        asked = dict(self._get_params())
        check_simulated(asked)
        group = self._changeable(asked.pop("AutoScalingGroupName"))
        new = {**group.asked, **asked}
        for one, other in (
            ("LaunchTemplate", "MixedInstancesPolicy"),
            ("MixedInstancesPolicy", "LaunchTemplate"),
        ):
            if one in asked and other not in asked:
                new.pop(other, None)
        sizes = check_sizes(
            group.sizes.within(
                least=asked.get("MinSize"),
                most=asked.get("MaxSize"),
                desired=asked.get("DesiredCapacity"),
            )
        )
        check_template(self.current_account, self.region, new, self._launcher)
        if "VPCZoneIdentifier" in asked or "AvailabilityZones" in asked:
            group.subnets = subnets_of(self.current_account, self.region, asked)
        group.asked, group.sizes = new, sizes
        self._scaling.soon(group)
        return EmptyResult()

    def set_desired_capacity(self) -> ActionResult:
        """Change how many there should be."""
        group = self._changeable(self._get_param("AutoScalingGroupName"))
        desired = int(self._get_param("DesiredCapacity"))
        sizes = group.sizes
        for above, bound, text in (
            (desired > sizes.most, sizes.most, "above max"),
            (desired < sizes.least, sizes.least, "below min"),
        ):
            if above:
                raise invalid(
                    f"New SetDesiredCapacity value {desired} is {text} value {bound} for the "
                    "AutoScalingGroup."
                )
        group.sizes = sizes.within(least=None, most=None, desired=desired)
        self._scaling.soon(group)
        return EmptyResult()

    def delete_auto_scaling_group(self) -> ActionResult:
        """Begin to delete; with force, the instances too."""
        group = self._group(self._get_param("AutoScalingGroupName"))
        if group.members and not self._get_bool_param("ForceDelete", if_none=False):
            raise Refusal(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot "
                "instance request(s) still in the group.",
            )
        self._scaling.delete(group)
        return EmptyResult()

    def terminate_instance_in_auto_scaling_group(self) -> ActionResult:
        """Begin to end one instance; another replaces it, unless the capacity shrinks with it."""
        group, member = self._member(self._get_param("InstanceId"))
        decrement = bool(self._get_param("ShouldDecrementDesiredCapacity"))
        least = group.sizes.least
        if decrement and group.sizes.desired <= least:
            raise invalid(
                f"Currently, desiredSize equals minSize ({least}). Terminating instance without "
                "replacement will violate group's min size constraint. Either set "
                "shouldDecrementDesiredCapacity flag to false or lower group's min size."
            )
        if not member.counts:
            raise Refusal(
                "ScalingActivityInProgress",
                f"Instance {member.instance_id} is being terminated already.",
            )
        activity = self._scaling.end(group, member, decrement=decrement)
        return ActionResult({"Activity": self._activity(activity)})

    def set_instance_health(self) -> ActionResult:
        """Say that an instance is healthy, or is not."""
        group, member = self._member(self._get_param("InstanceId"))
        respects = self._get_bool_param("ShouldRespectGracePeriod", if_none=True)
        if not (respects and self._scaling.in_grace(group, member)):
            member.healthy = self._get_param("HealthStatus") == "Healthy"
        return EmptyResult()

    def set_instance_protection(self) -> ActionResult:
        """Have scale-in spare instances, or not."""
        group = self._changeable(self._get_param("AutoScalingGroupName"))
        for each in self._get_param("InstanceIds", []):
            if each not in group.members:
                raise invalid(
                    f"The instance {each} is not part of Auto Scaling group {group.name}."
                )
            group.members[each].protected = bool(self._get_param("ProtectedFromScaleIn"))
        return EmptyResult()

    def suspend_processes(self) -> ActionResult:
        """Let the group not do some things any more."""
        group = self._changeable(self._get_param("AutoScalingGroupName"))
        today = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for process in self._processes():
            group.suspended.setdefault(process, f"User suspended at {today}")
        return EmptyResult()

    def resume_processes(self) -> ActionResult:
        """Let the group do them again."""
        group = self._changeable(self._get_param("AutoScalingGroupName"))
        for process in self._processes():
            group.suspended.pop(process, None)
        self._scaling.soon(group)
        return EmptyResult()

    def put_scheduled_update_group_action(self) -> ActionResult:
        """Have the sizes change once, at an instant to come; one of the same name is replaced."""
        params: Mapping[str, Any] = self._get_params()
        group = self._changeable(params["AutoScalingGroupName"])
        starts = params.get("StartTime") or params.get("Time")
        sizes = [params.get(key) for key in ("MinSize", "MaxSize", "DesiredCapacity")]
        if starts is None:
            raise invalid("Either the start time or the recurrence must be specified.")
        if all(size is None for size in sizes):
            raise invalid("At least one of MinSize, MaxSize, or DesiredCapacity must be specified")
        least, most, desired = sizes
        if least is not None and most is not None:
            check_sizes(Sizes(least, most, most if desired is None else desired))
        starts = starts if starts.tzinfo else starts.replace(tzinfo=UTC)
        if starts <= datetime.now(UTC):
            raise invalid("Given start time is in the past")
        name = params["ScheduledActionName"]
        others = [each for each in group.scheduled.values() if each.name != name]
        if any(each.starts == starts for each in others):
            raise Refusal(
                "AlreadyExists", "A scheduled action with that start time exists already."
            )
        self._scaling.schedule(group, Scheduled(name, starts, sizes[0], sizes[1], sizes[2]))
        return EmptyResult()

    def delete_scheduled_action(self) -> ActionResult:
        """Have it not run."""
        group = self._changeable(self._get_param("AutoScalingGroupName"))
        name = self._get_param("ScheduledActionName")
        if group.scheduled.pop(name, None) is None:
            raise invalid(f"Scheduled action name not found - Scheduled Action {name} not found")
        return EmptyResult()

    def create_or_update_tags(self) -> ActionResult:
        """Tag groups; their instances only as they are launched later."""
        for each in self._get_param("Tags", []):
            self._group(each["ResourceId"]).tags.update(tags_of({"Tags": [each]}))
        return EmptyResult()

    def delete_tags(self) -> ActionResult:
        """Untag groups; what is not there need not go."""
        for each in self._get_param("Tags", []):
            self._group(each["ResourceId"]).tags.pop(each["Key"], None)
        return EmptyResult()

    def _changeable(self, name: str) -> Group:
        group = self._group(name)
        if group.deleting:
            raise Refusal("ScalingActivityInProgress", f"AutoScalingGroup {name} is being deleted.")
        return group

    def _group(self, name: str) -> Group:
        group = self._scaling.find(self._key, name)
        if group is None:
            raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup: {name} not found")
        return group

    def _member(self, instance_id: str) -> tuple[Group, Member]:
        found = self._scaling.of_instance(self._key, instance_id)
        if found is None:
            raise invalid(
                f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
            )
        return found

    def _processes(self) -> list[str]:
        named: list[str] = self._get_param("ScalingProcesses", []) or sorted(PROCESSES)
        for process in named:
            if process not in PROCESSES:
                raise invalid(f"Invalid scaling process: {process}")
        return named

    def _service_linked_role(self) -> str:
        iam = iam_backends[self.current_account]["aws"]
        for role in iam.roles.values():
            if role.name == _ROLE:
                return str(role.arn)
        role = iam.create_service_linked_role("autoscaling.amazonaws.com", "Auto Scaling", "")
        return str(role.arn)
