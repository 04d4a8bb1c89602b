"""The provider: launches, keeps and ends fleets."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryoem_cloud.model.machine import Fleet
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.arming import Arming
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.doors import make_door, remove_door, shut_door
from cryoem_cloud.providers.aws.images import image_for
from cryoem_cloud.providers.aws.kinds import (
    architecture_of,
    described,
    own_disk_gib,
    shape_of,
    subnets_with,
)
from cryoem_cloud.providers.aws.launching import Launch, extended, note_raised
from cryoem_cloud.providers.aws.names import STACK, STATE, tagged
from cryoem_cloud.providers.aws.refusals import of_launch
from cryoem_cloud.providers.aws.roles import make_role
from cryoem_cloud.providers.aws.seen import Seen, alone, fleet_of, sorted_out
from cryoem_cloud.providers.aws.template import template_data

__all__ = ["AwsProvider"]

_CAME_UP = "Termination Reason"
"""What AWS says of a machine that was launched and ended: a failure of the machine, no refusal."""
_NO_INSTANCE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")


@dataclass
class AwsProvider:
    """Fleets of one stack. `user_data` makes what a machine does first.

    Thread-safe. A courier looks at all its fleets twice a second: what is listed is good for
    `fresh_s`, for all of them.
    """

    account: Account
    calls: Calls
    clock: Clock
    user_data: Callable[[Account, Order, str], str]
    fresh_s: float = 5.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: Mapping[str, Seen] = field(default_factory=dict)
    _seen_s: float = float("-inf")
    _refusals: dict[str, str] = field(default_factory=dict)
    _shapes: dict[str, Shape] = field(default_factory=dict)
    _arming: Arming = field(init=False)

    def __post_init__(self) -> None:
        self._arming = Arming(self.calls, self.account, self.clock)

    @property
    def name(self) -> str:
        """Aws."""
        return "aws"

    @property
    def store(self) -> str:
        """The stack's."""
        return self.account.store

    @property
    def region(self) -> str:
        """The account's."""
        return self.account.region

    @property
    def sells(self) -> bool:
        """Yes."""
        return True

    def shape(self, offer: Offer) -> Shape:
        """See the port: the offer's first type, as its others are alike."""
        kind = offer.kinds[0]
        if kind not in self._shapes:
            self._shapes[kind] = shape_of(described(self.calls, kind))
        return self._shapes[kind]

    def keep(self, order: Order) -> Fleet:
        """See the port. AWS itself replaces machines; here the fleet is launched, once.

        Raises:
            QuotaError: The account may not have such machines.
            ProviderError: AWS refuses them.
        """
        seen = self._look().get(order.token, Seen())
        if not seen.raised:
            self._launch(order, seen)
            self._arming.launched(order.token)
            seen = self._look(anew=True).get(order.token, Seen())
        elif seen.capacity:
            self._arming.look_after(order)
        fleet = fleet_of(seen, refusal=self._refusal(order.token, seen))
        if fleet.failures >= order.most_failures and seen.capacity:
            self._shrink(order.token)
        return fleet

    def look(self, token: str) -> Fleet:
        """See the port."""
        return fleet_of(self._look().get(token, Seen()))

    def end(self, token: str) -> None:
        """See the port; a machine that no group has, as a builder of an image, ends as well."""
        note_raised(self.calls, token)
        self._ask_of_group("delete_auto_scaling_group", token, ForceDelete=True)
        self._terminate(alone(self._look().get(token, Seen()).instances))
        if door := self._door(token):
            shut_door(self.calls, door)
        self._forget_seen()

    def extend(self, token: str, by_s: float) -> datetime | None:
        """See the port: what ends the group is put off."""
        return extended(self.calls, token, by_s)

    def dismiss(self, machine: str) -> None:
        """See the port."""
        found = [each for each in self._instances() if each["InstanceId"] == machine]
        if alone(found):
            self._terminate((machine,))
        if not found or alone(found):
            return
        gone = (*_NO_INSTANCE, "ValidationError", "ScalingActivityInProgress")
        with suppress(Refused):
            self.calls.ask(
                "ec2",
                "create_tags",
                expected=gone,
                Resources=[machine],
                Tags=tagged({STATE: "left"}),
            )
            self.calls.ask(
                "autoscaling",
                "terminate_instance_in_auto_scaling_group",
                expected=gone,
                InstanceId=machine,
                ShouldDecrementDesiredCapacity=True,
            )
        self._forget_seen()

    def console(self, machine: str) -> str:
        """See the port; AWS has it some minutes after the machine's start or end."""
        try:
            found = self.calls.ask(
                "ec2", "get_console_output", expected=_NO_INSTANCE, InstanceId=machine
            )
        except Refused:
            return ""
        return str(found.get("Output", ""))

    def close(self, token: str) -> None:
        """See the port. The security group goes too, once no machine has it."""
        if door := self._door(token):
            remove_door(self.calls, door)
            self._forget_seen()

    def forget(self, token: str) -> None:
        """See the port."""
        seen = self._look(anew=True).get(token, Seen())
        if fleet_of(seen).alive:
            return
        self._ask_of_group("delete_auto_scaling_group", token, ForceDelete=True)
        if seen.template:
            with suppress(Refused):
                self.calls.ask(
                    "ec2",
                    "delete_launch_template",
                    expected=("InvalidLaunchTemplateName.NotFoundException",),
                    LaunchTemplateName=token,
                )
        if seen.door:
            remove_door(self.calls, seen.door)
        self._forget_seen()

    def tokens(self) -> tuple[str, ...]:
        """See the port."""
        return tuple(sorted(self._look()))

    def _door(self, token: str) -> Mapping[str, Any] | None:
        """The security group that lets its submitter in; no call where the stack allows none."""
        return self._look().get(token, Seen()).door if self.account.ssh else None

    def _launch(self, order: Order, seen: Seen) -> None:
        """Do all steps; what was `seen` may be some seconds old, and decides nothing that costs."""
        kind = described(self.calls, order.offer.kinds[0])
        architecture = architecture_of(kind)
        launch = Launch(calls=self.calls, account=self.account, order=order, now=datetime.now(UTC))
        if not seen.template:
            make_role(self.calls, self.account, order.project)
            door = make_door(self.calls, self.account, order, order.door) if order.door else ""
            launch.make_template(
                template_data(
                    self.account,
                    order,
                    image=image_for(self.calls, self.account, architecture, order.image),
                    user_data=self.user_data(self.account, order, architecture),
                    own_gib=own_disk_gib(kind),
                    door=door,
                )
            )
        launch.make_group(subnets_with(self.calls, order.offer.kinds, self.account.subnets))
        launch.arm()
        launch.suspend_rebalancing()
        now = self._look(anew=True).get(order.token, Seen())
        if now.group is not None and not now.raised:
            launch.raise_capacity(now.group)
            launch.note_raised()

    def _refusal(self, token: str, seen: Seen) -> str:
        """Why the group has fewer machines than it wants; "" where it has them, or just begins."""
        if seen.group is None or len(seen.group["Instances"]) >= seen.capacity:
            return ""
        if token not in self._refusals:
            self._refusals[token] = self._refused(token)
        said = self._refusals[token]
        if not fleet_of(seen).alive and (error := of_launch(said)):
            raise error
        return said

    def _refused(self, token: str) -> str:
        found = self.calls.ask(
            "autoscaling", "describe_scaling_activities", AutoScalingGroupName=token, MaxRecords=10
        )
        failed = [each for each in found["Activities"] if each["StatusCode"] == "Failed"]
        said = str(failed[0].get("StatusMessage", "")) if failed else ""
        return "" if _CAME_UP in said else said

    def _shrink(self, token: str) -> None:
        self._ask_of_group(
            "update_auto_scaling_group", token, MinSize=0, MaxSize=0, DesiredCapacity=0
        )
        self._forget_seen()

    def _terminate(self, machines: Sequence[str]) -> None:
        if machines:
            with suppress(Refused):
                self.calls.ask(
                    "ec2",
                    "terminate_instances",
                    expected=_NO_INSTANCE,
                    InstanceIds=list(machines),
                )
            self._forget_seen()

    def _instances(self) -> Iterator[Mapping[str, Any]]:
        for seen in self._look().values():
            yield from seen.instances

    def _ask_of_group(self, action: str, token: str, **asked: object) -> None:
        """Do a call about a group; one that is gone, or is being deleted, is done."""
        try:
            self.calls.ask(
                "autoscaling",
                action,
                expected=("ValidationError", "ScalingActivityInProgress", "ResourceInUse"),
                AutoScalingGroupName=token,
                **asked,
            )
        except Refused as refused:
            if "not found" not in refused.said and "delete" not in refused.said.lower():
                raise

    def _look(self, *, anew: bool = False) -> Mapping[str, Seen]:
        with self._lock:
            now_s = self.clock.monotonic()
            if anew or now_s - self._seen_s >= self.fresh_s:
                self._seen = self._listed()
                self._seen_s = now_s
                self._refusals.clear()
            return self._seen

    def _forget_seen(self) -> None:
        with self._lock:
            self._seen_s = float("-inf")

    def _listed(self) -> Mapping[str, Seen]:
        ours = [{"Name": f"tag:{STACK}", "Values": [self.account.stack]}]
        pages = self.calls.pages
        return sorted_out(
            pages("ec2", "describe_launch_templates", "LaunchTemplates", Filters=ours),
            pages("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", Filters=ours),
            (
                instance
                for one in pages("ec2", "describe_instances", "Reservations", Filters=ours)
                for instance in one["Instances"]
            ),
            pages("ec2", "describe_security_groups", "SecurityGroups", Filters=ours)
            if self.account.ssh
            else (),
        )
