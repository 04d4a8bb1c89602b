"""Auto Scaling's engine: it brings groups to their desired capacity, and replaces what is lost."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.ec2sim import wording
from tests.ec2sim.balance import to_end, uneven, zones_in_order
from tests.ec2sim.clock import Clock
from tests.ec2sim.group_launches import GroupLauncher, LaunchFailedError
from tests.ec2sim.groups import Activity, Group, Key, Member, Scheduled
from tests.ec2sim.instances import Kept
from tests.ec2sim.life import LIVING, Life
from tests.ec2sim.seam import Why

__all__ = ["Scaling"]

# Simulated seconds. How soon AWS looks is not documented; these are from memory.
HEALTH_SECONDS = 30.0
SETTLE_SECONDS = 2.0
_FIRST_RETRY = 30.0
_LONGEST_RETRY = 300.0


class Scaling:
    """All groups of a Cloud."""

    def __init__(self, clock: Clock, life: Life, launcher: GroupLauncher) -> None:
        self._clock = clock
        self._life = life
        self._launcher = launcher
        self._groups: dict[tuple[Key, str], Group] = {}
        self._activities: dict[Key, list[Activity]] = defaultdict(list)
        self._launching: dict[str, Activity] = {}
        self._ending: dict[str, Activity] = {}
        life.on_change(self._on_change)
        clock.after(HEALTH_SECONDS, self._look)

    def groups(self, key: Key) -> list[Group]:
        """The groups of an account in a region, by name."""
        return [group for (of, _), group in sorted(self._groups.items()) if of == key]

    def find(self, key: Key, name: str) -> Group | None:
        """The group; None if there is none of that name."""
        return self._groups.get((key, name))

    def of_instance(self, key: Key, instance_id: str) -> tuple[Group, Member] | None:
        """The group that has the instance, and it."""
        for group in self.groups(key):
            if instance_id in group.members:
                return group, group.members[instance_id]
        return None

    def activities(self, key: Key) -> list[Activity]:
        """All activities, the newest first; those of deleted groups too."""
        return list(reversed(self._activities[key]))

    def add(self, group: Group) -> None:
        """Have a new group brought to its capacity."""
        self._groups[(group.account, group.region), group.name] = group
        self.soon(group)

    def soon(self, group: Group) -> None:
        """Have the group looked at, as its sizes or its members have changed."""
        self._clock.after(SETTLE_SECONDS, lambda: self._settle(group))

    def delete(self, group: Group) -> None:
        """Begin to end it with all its instances."""
        group.deleting = True
        group.scheduled.clear()
        for member in list(group.counting):
            self._end(group, member, wording.asked_cause(0, 0))
        self.soon(group)

    def schedule(self, group: Group, action: Scheduled) -> None:
        """Have the action run at its time, unless another of its name replaces it before."""
        group.scheduled[action.name] = action
        seconds = (action.starts - datetime.now(UTC)).total_seconds()
        self._clock.after(seconds, lambda: self._run(group, action))

    def end(self, group: Group, member: Member, *, decrement: bool) -> Activity:
        """End a member that somebody named; without decrement another replaces it."""
        before = group.sizes.desired
        if decrement:
            group.sizes = group.sizes.within(least=None, most=None, desired=before - 1)
        activity = self._end(group, member, wording.asked_cause(before, group.sizes.desired))
        self.soon(group)
        return activity

    def in_grace(self, group: Group, member: Member) -> bool:
        """Whether the member is too young for its health to count."""
        grace = float(group.asked.get("HealthCheckGracePeriod", 0))
        return self._clock.now() - member.since < grace

    def _run(self, group: Group, action: Scheduled) -> None:
        if group.scheduled.get(action.name) is not action:
            return
        del group.scheduled[action.name]
        if group.deleting or not group.does("ScheduledActions"):
            return
        group.sizes = group.sizes.within(
            least=action.least, most=action.most, desired=action.desired
        )
        self._settle(group)

    def _look(self) -> None:
        for group in list(self._groups.values()):
            self._replace_unhealthy(group)
            self._settle(group)
        self._clock.after(HEALTH_SECONDS, self._look)

    def _settle(self, group: Group) -> None:
        if self._groups.get(((group.account, group.region), group.name)) is not group:
            return
        if group.deleting:
            if not group.members:
                del self._groups[(group.account, group.region), group.name]
            return
        surplus = len(group.counting) - group.sizes.desired
        if surplus > 0 and group.does("Terminate"):
            self._scale_in(group, surplus)
        elif surplus < 0 and group.does("Launch"):
            self._scale_out(group, -surplus)
        elif surplus == 0:
            self._rebalance(group)

    def _scale_in(self, group: Group, surplus: int) -> None:
        for member in to_end(group.counting, surplus):
            count = len(group.counting)
            self._end(group, member, wording.terminate_cause(count, count - 1))

    def _scale_out(self, group: Group, missing: int) -> None:
        if self._clock.now() < group.next_launch:
            return
        for _ in range(missing):
            count = len(group.counting)
            zones = zones_in_order(group.zones, group.counting)
            if not self._launch(group, zones, wording.launch_cause(count, count + 1)):
                return

    def _launch(self, group: Group, zones: list[str], cause: str) -> bool:
        try:
            kept, template = self._launcher.launch(group, zones)
        except LaunchFailedError as failed:
            self._failed(group, failed, cause)
            return False
        group.failures, group.next_launch = 0, 0.0
        group.members[kept.id] = Member(
            kept.id,
            kept.zone,
            kept.type,
            kept.market,
            template,
            self._clock.now(),
            protected=bool(group.asked.get("NewInstancesProtectedFromScaleIn")),
        )
        self._launching[kept.id] = self._note(
            group,
            f"Launching a new EC2 instance: {kept.id}",
            cause,
            zone=kept.zone,
            instance_id=kept.id,
        )
        self._launching[kept.id].status = "PreInService"
        return True

    def _failed(self, group: Group, failed: LaunchFailedError, cause: str) -> None:
        mixed = "MixedInstancesPolicy" in group.asked
        message = wording.launch_failed(failed.error, failed.market, mixed=mixed)
        description = f"Launching a new EC2 instance.  Status Reason: {message}"
        self._note(group, description, cause, zone=failed.zone).end("Failed", message)
        wait = min(_FIRST_RETRY * 2**group.failures, _LONGEST_RETRY)
        group.failures += 1
        group.next_launch = self._clock.now() + wait
        self._clock.after(wait, lambda: self._settle(group))

    def _rebalance(self, group: Group) -> None:
        pair = uneven(group.zones, group.counting)
        active = all(group.does(each) for each in ("AZRebalance", "Launch", "Terminate"))
        if pair is None or not active or self._clock.now() < group.next_launch:
            return
        few, many = pair
        zones = f"{few} {many}"
        if not self._launch(group, [few], wording.rebalance_cause(zones, launches=True)):
            return
        crowded = [member for member in group.counting if member.zone == many]
        for member in to_end(crowded, 1):
            self._end(group, member, wording.rebalance_cause(zones, launches=False))

    def _replace_unhealthy(self, group: Group) -> None:
        for member in list(group.counting):
            kept = self._kept(member)
            gone = kept.state not in LIVING
            if group.does("HealthCheck") and (
                gone or (kept.beside.impaired and not self.in_grace(group, member))
            ):
                member.healthy = False
            if not member.healthy and group.does("ReplaceUnhealthy") and group.does("Terminate"):
                self._end(group, member, wording.health_cause(gone=gone))

    def _end(self, group: Group, member: Member, cause: str) -> Activity:
        member.state = "Terminating"
        description = f"Terminating EC2 instance: {member.instance_id}"
        activity = self._note(
            group, description, cause, zone=member.zone, instance_id=member.instance_id
        )
        self._ending[member.instance_id] = activity
        kept = self._kept(member)
        kept.beside.target = "Terminated"
        if kept.state == "terminated":
            self._leave(group, member)
        else:
            self._life.end(kept, Why.TERMINATED)
        return activity

    def _note(
        self, group: Group, description: str, cause: str, *, zone: str, instance_id: str = ""
    ) -> Activity:
        details = wording.where(zone, group.subnets.get(zone, ""))
        activity = Activity(group.name, description, cause, details, instance_id=instance_id)
        self._activities[group.account, group.region].append(activity)
        return activity

    def _on_change(self, kept: Kept) -> None:
        found = self.of_instance((kept.account, kept.region), kept.id)
        if found is None:
            return
        group, member = found
        if kept.state == "running" and member.state == "Pending":
            member.state, member.since = "InService", self._clock.now()
            self._launching.pop(kept.id).end("Successful")
        elif kept.state == "terminated" and member.state == "Terminating":
            self._leave(group, member)

    def _leave(self, group: Group, member: Member) -> None:
        del group.members[member.instance_id]
        if unfinished := self._launching.pop(member.instance_id, None):
            reason = self._kept(member).record.state_reason.code
            unfinished.end(
                "Cancelled",
                "Instance became unhealthy while waiting for instance to be in InService state. "
                f"Termination Reason: {reason}",
            )
        if ended := self._ending.pop(member.instance_id, None):
            ended.end("Successful")
        self.soon(group)

    def _kept(self, member: Member) -> Kept:
        kept = self._life.find(member.instance_id)
        if kept is None:
            raise LookupError(f"No instance {member.instance_id}")
        return kept

    def __iter__(self) -> Iterator[Group]:
        """All groups."""
        return iter(list(self._groups.values()))
