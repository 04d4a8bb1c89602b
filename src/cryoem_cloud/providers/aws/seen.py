"""What AWS lists of a fleet, as a fleet: no calls."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.units import plain
from cryoem_cloud.providers.aws.names import RAISED, STATE, TOKEN, WHY, tags_of
from cryoem_cloud.providers.aws.refusals import ended_by

__all__ = ["Seen", "alone", "fleet_of", "sorted_out"]

_ENDED = frozenset({"shutting-down", "terminated", "stopping", "stopped"})
_GROUP = "aws:autoscaling:groupName"
"""Auto Scaling's own tag on its instances (Auto Scaling user guide, "Tag Auto Scaling groups")."""
_AT = re.compile(r"\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:GMT|UTC)\)")
_OF_ZONE = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d+")
_TAKEN = frozenset({"Server.SpotInstanceTermination", "Server.SpotInstanceShutdown"})


@dataclass(frozen=True, slots=True)
class Seen:
    """All that AWS lists of one token: its template, its group, its instances, its door."""

    raised: bool = False
    template: bool = False
    group: Mapping[str, Any] | None = None
    instances: tuple[Mapping[str, Any], ...] = field(default=())
    door: Mapping[str, Any] | None = None
    """The security group that lets its submitter in."""

    @property
    def capacity(self) -> int:
        """How many machines the group is to have."""
        return int(self.group["DesiredCapacity"]) if self.group else 0


def sorted_out(
    templates: Iterable[Mapping[str, Any]],
    groups: Iterable[Mapping[str, Any]],
    instances: Iterable[Mapping[str, Any]],
    doors: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Seen]:
    """What is listed, by token. A group that is being deleted is none any more.

    Of a token whose template and group are gone, instances that have ended say nothing.
    """
    named = {str(each["LaunchTemplateName"]): tags_of(each.get("Tags", ())) for each in templates}
    there = {tags_of(each["Tags"]).get(TOKEN, ""): each for each in groups if "Status" not in each}
    opened = {tags_of(each.get("Tags", ())).get(TOKEN, ""): each for each in doors}
    of: dict[str, list[Mapping[str, Any]]] = {}
    for each in instances:
        of.setdefault(tags_of(each.get("Tags", ())).get(TOKEN, ""), []).append(each)
    return {
        token: Seen(
            raised=RAISED in named.get(token, {}),
            template=token in named,
            group=there.get(token),
            instances=tuple(sorted(of.get(token, ()), key=_begun)),
            door=opened.get(token),
        )
        for token in {*named, *there, *opened, *(t for t in of if _lives(of[t]))} - {""}
    }


def alone(instances: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The ids of those that have not ended, even stopped ones, and that no group ever had."""
    return tuple(
        str(each["InstanceId"])
        for each in instances
        if _GROUP not in tags_of(each.get("Tags", ()))
        and each["State"]["Name"] not in {"shutting-down", "terminated"}
    )


def _lives(instances: Iterable[Mapping[str, Any]]) -> bool:
    return any(each["State"]["Name"] not in _ENDED for each in instances)


def fleet_of(seen: Seen, *, refusal: str = "") -> Fleet:
    """The fleet, with the machines that AWS still lists (ended ones for about an hour)."""
    failures, why = _failures(seen.instances)
    machines = tuple(_machine(each) for each in seen.instances)
    fleet = Fleet(machines=machines, failures=failures, failure_log=why, refusal=refusal)
    spent = seen.raised and not seen.capacity and not fleet.alive
    return Fleet(
        machines=machines, failures=failures, failure_log=why, spent=spent, refusal=refusal
    )


def _machine(instance: Mapping[str, Any]) -> Machine:
    spot = instance.get("InstanceLifecycle") == Market.SPOT.value
    zone = str(instance.get("Placement", {}).get("AvailabilityZone", ""))
    return Machine(
        name=str(instance["InstanceId"]),
        state=_state(instance),
        kind=str(instance["InstanceType"]),
        since=instance["LaunchTime"].astimezone(UTC).isoformat(timespec="seconds"),
        until=_until(instance),
        region=_region(zone),
        zone=zone,
        market=(Market.SPOT if spot else Market.ON_DEMAND).value,
        address=str(instance.get("PublicIpAddress") or instance.get("PrivateIpAddress") or ""),
    )


def _until(instance: Mapping[str, Any]) -> str:
    """When it ended, as StateTransitionReason says it behind the reason; "" where it does not.

    `User initiated (2026-01-01 10:00:00 GMT)`: the instant from which on nothing is billed.
    """
    found = _AT.search(str(instance.get("StateTransitionReason", "")))
    if instance["State"]["Name"] not in _ENDED or found is None:
        return ""
    return f"{found[1]}T{found[2]}+00:00"


def _region(zone: str) -> str:
    """A zone's region: us-east-1 of us-east-1a, and of a local zone as us-east-1-bos-1a."""
    found = _OF_ZONE.match(zone)
    return found[0] if found else ""


def _begun(instance: Mapping[str, Any]) -> tuple[Any, str]:
    return instance["LaunchTime"], str(instance["InstanceId"])


def _state(instance: Mapping[str, Any]) -> State:
    said = tags_of(instance.get("Tags", ())).get(STATE, "")
    if instance["State"]["Name"] in _ENDED:
        return State.LEFT if said in {"left", "failed"} else State.GONE
    return State.UP if said else State.STARTING


def _failures(instances: Sequence[Mapping[str, Any]]) -> tuple[int, str]:
    """How many in a row ended before they had worked, and what the last of them said."""
    failures, why = 0, ""
    for each in instances:
        tags = tags_of(each.get("Tags", ()))
        said = tags.get(STATE, "")
        if said in {"worked", "left"}:
            failures, why = 0, ""
        elif each["State"]["Name"] in _ENDED and _why(each).get("Code") not in _TAKEN:
            failures, why = failures + 1, plain(tags.get(WHY, "")) or ended_by(_why(each))
    return failures, why


def _why(instance: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = instance.get("StateReason", {})
    return found
