"""Launches a fleet: steps that anybody may do again, in the order of decision 0012."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryoem_cloud.model.errors import ProviderError, ProviderUnreachableError
from cryoem_cloud.model.offer import Market
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.machine.lapse import GRACE_S, lapse_at
from cryoem_cloud.providers.aws.names import HARD, LAPSE, RAISED, tagged
from cryoem_cloud.providers.aws.template import tags_for

__all__ = ["Launch", "extended", "hard_at", "note_raised"]

_MOST_KINDS = 20
"""Overrides of a mixed instances policy (API reference of Auto Scaling: at most 40)."""


def hard_at(now: datetime, limit_s: float) -> datetime:
    """When a fleet ends in any case: an odd second, as no two actions may share one."""
    at = (now + timedelta(seconds=limit_s + GRACE_S)).replace(microsecond=0)
    return at + timedelta(seconds=1 - at.second % 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The launch of one order. `now` is the wall clock's, for AWS's own timers."""

    calls: Calls
    account: Account
    order: Order
    now: datetime

    def make_template(self, data: Mapping[str, Any]) -> None:
        """Step 1."""
        tags = [
            {"ResourceType": "launch-template", "Tags": tagged(tags_for(self.account, self.order))}
        ]
        try:
            self.calls.ask(
                "ec2",
                "create_launch_template",
                expected=("InvalidLaunchTemplateName.AlreadyExistsException",),
                LaunchTemplateName=self.order.token,
                LaunchTemplateData=data,
                TagSpecifications=tags,
            )
        except Refused:
            return

    def make_group(self, subnets: Sequence[str]) -> None:
        """Step 2: a group without capacity.

        Raises:
            ProviderUnreachableError: What the group needs is not known everywhere at AWS yet.
            ProviderError: AWS refuses such a group.
        """
        tags = [
            {**tag, "PropagateAtLaunch": True} for tag in tagged(tags_for(self.account, self.order))
        ]
        try:
            self.calls.ask(
                "autoscaling",
                "create_auto_scaling_group",
                expected=("AlreadyExists", "AlreadyExistsFault", "ValidationError"),
                AutoScalingGroupName=self.order.token,
                MixedInstancesPolicy=_mixed(self.order),
                MinSize=0,
                MaxSize=self.order.count,
                DesiredCapacity=0,
                VPCZoneIdentifier=",".join(subnets),
                CapacityRebalance=False,
                HealthCheckType="EC2",
                Tags=tags,
            )
        except Refused as refused:
            if refused.code == "ValidationError":
                raise _not_yet_or_never(refused) from refused

    def arm(self) -> None:
        """Step 3: what ends the group without us, if it is not armed yet."""
        name = self.order.token
        found = self.calls.ask(
            "autoscaling", "describe_scheduled_actions", AutoScalingGroupName=name
        )
        armed = {str(each["ScheduledActionName"]) for each in found["ScheduledUpdateGroupActions"]}
        if LAPSE not in armed:
            self._schedule(LAPSE, lapse_at(self.now))
        if HARD not in armed:
            self._schedule(HARD, hard_at(self.now, self.order.limit_s))

    def suspend_rebalancing(self) -> None:
        """Step 4: no zone is so full that a machine which works must end for it."""
        self.calls.ask(
            "autoscaling",
            "suspend_processes",
            AutoScalingGroupName=self.order.token,
            ScalingProcesses=["AZRebalance"],
        )

    def raise_capacity(self, group: Mapping[str, Any]) -> None:
        """Step 5, unless it was done before; the limits of a group that has lapsed are 0."""
        name = self.order.token
        if group["DesiredCapacity"] or group["Instances"]:
            return
        found = self.calls.ask(
            "autoscaling", "describe_scaling_activities", AutoScalingGroupName=name, MaxRecords=1
        )
        if not found["Activities"]:
            self.calls.ask(
                "autoscaling",
                "update_auto_scaling_group",
                AutoScalingGroupName=name,
                MinSize=0,
                MaxSize=self.order.count,
                DesiredCapacity=self.order.count,
            )

    def note_raised(self) -> None:
        """Step 6: nobody raises it again."""
        note_raised(self.calls, self.order.token)

    def _schedule(self, action: str, at: datetime) -> None:
        _schedule(self.calls, self.order.token, action, at)


def note_raised(calls: Calls, token: str) -> None:
    """See to it that nobody raises a token's capacity (again); an unknown token stays unknown."""
    filters = [{"Name": "launch-template-name", "Values": [token]}]
    for template in calls.pages(
        "ec2", "describe_launch_templates", "LaunchTemplates", Filters=filters
    ):
        calls.ask(
            "ec2",
            "create_tags",
            Resources=[template["LaunchTemplateId"]],
            Tags=tagged({RAISED: "yes"}),
        )


def extended(calls: Calls, token: str, by_s: float) -> datetime:
    """Put off the end of a group by its limit; when that is now, for its machines to leave.

    Raises:
        ProviderError: There is no group with a limit.
    """
    found = calls.pages(
        "autoscaling",
        "describe_scheduled_actions",
        "ScheduledUpdateGroupActions",
        AutoScalingGroupName=token,
    )
    ends: list[datetime] = [
        each["StartTime"] for each in found if each["ScheduledActionName"] == HARD
    ]
    if not ends:
        raise ProviderError(f"the machines {token} are gone", hint="cryoem show says how it stands")
    whole = timedelta(seconds=2 * round(by_s / 2))  # it stays at an odd second
    _schedule(calls, token, HARD, ends[0] + whole)
    return ends[0] + whole - timedelta(seconds=GRACE_S)


def _schedule(calls: Calls, token: str, action: str, at: datetime) -> None:
    """End a group then."""
    calls.ask(
        "autoscaling",
        "put_scheduled_update_group_action",
        AutoScalingGroupName=token,
        ScheduledActionName=action,
        StartTime=at,
        MinSize=0,
        MaxSize=0,
        DesiredCapacity=0,
    )


def _mixed(order: Order) -> dict[str, Any]:
    on_demand = order.offer.market is not Market.SPOT
    return {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": order.token, "Version": "1"},
            "Overrides": [{"InstanceType": kind} for kind in order.offer.kinds[:_MOST_KINDS]],
        },
        "InstancesDistribution": {
            "OnDemandBaseCapacity": 0,
            "OnDemandPercentageAboveBaseCapacity": 100 if on_demand else 0,
            "OnDemandAllocationStrategy": "prioritized",
            "SpotAllocationStrategy": "price-capacity-optimized",
        },
    }


def _not_yet_or_never(refused: Refused) -> ProviderError:
    """Roles and profiles that were made just now are not known everywhere at once."""
    if "iaminstanceprofile" in refused.said.lower().replace(" ", ""):
        return ProviderUnreachableError(
            f"AWS does not know the machines' new role everywhere yet: {refused.said}",
            hint="jobs try again by themselves",
        )
    return ProviderError(
        f"AWS refuses such machines: {refused.said}", hint="cryoem aws doctor looks for the cause"
    )
