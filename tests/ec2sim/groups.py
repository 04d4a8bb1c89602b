"""An Auto Scaling group: what it was told, whom it has, and what it did."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

__all__ = ["Activity", "Group", "Key", "Member", "Scheduled", "Sizes", "Tag"]

Key = tuple[str, str]
"""Account and region."""

PROCESSES = frozenset(
    {
        "AddToLoadBalancer",
        "AlarmNotification",
        "AZRebalance",
        "HealthCheck",
        "InstanceRefresh",
        "Launch",
        "ReplaceUnhealthy",
        "ScheduledActions",
        "Terminate",
    }
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many instances a group may have, and how many it should."""

    least: int
    most: int
    desired: int

    def within(self, *, least: int | None, most: int | None, desired: int | None) -> "Sizes":
        """The sizes after some of them were set.

        A desired capacity that nobody set is moved into the new limits.
        """
        low = self.least if least is None else least
        high = self.most if most is None else most
        wanted = min(max(self.desired, low), high) if desired is None else desired
        return replace(self, least=low, most=high, desired=wanted)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a group."""

    key: str
    value: str
    at_launch: bool


@dataclass(slots=True)
class Member:
    """An instance of a group."""

    instance_id: str
    zone: str
    type: str
    market: str
    template: Mapping[str, str]
    since: float  # of the simulator's clock
    state: str = "Pending"  # then InService, Terminating
    healthy: bool = True
    protected: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is part of the group's capacity."""
        return self.state != "Terminating"


@dataclass(slots=True)
class Scheduled:
    """A scheduled action that has not run yet."""

    name: str
    starts: datetime
    least: int | None
    most: int | None
    desired: int | None


@dataclass(slots=True)
class Activity:
    """A scaling activity: one thing that a group did, or tried to."""

    group: str
    description: str
    cause: str
    details: str
    status: str = "InProgress"  # or PreInService, Successful, Failed, Cancelled
    message: str = ""
    progress: int = 0
    instance_id: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def end(self, status: str, message: str = "") -> None:
        """It is over."""
        self.status, self.message, self.progress = status, message, 100
        self.ended = datetime.now(UTC)


@dataclass(slots=True)
class Group:
    """An Auto Scaling group."""

    account: str
    region: str
    name: str
    asked: dict[str, Any]  # the parameters that describing it repeats
    sizes: Sizes
    subnets: Mapping[str, str]  # by zone
    tags: dict[str, Tag]
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    members: dict[str, Member] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)  # process: why
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    deleting: bool = False
    failures: int = 0  # launches in a row that failed
    next_launch: float = 0.0  # not before this instant of the simulator's clock
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        """Its Amazon resource name."""
        return (
            f"arn:aws:autoscaling:{self.region}:{self.account}:autoScalingGroup:{self.identity}"
            f":autoScalingGroupName/{self.name}"
        )

    @property
    def zones(self) -> Sequence[str]:
        """Its Availability Zones."""
        return sorted(self.subnets)

    @property
    def counting(self) -> list[Member]:
        """The members that make up its capacity."""
        return [member for member in self.members.values() if member.counts]

    def does(self, process: str) -> bool:
        """Whether the process is not suspended."""
        return process not in self.suspended
