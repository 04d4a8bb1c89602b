"""How Auto Scaling words what it did and why: tools that follow a group read these texts."""

import json
from datetime import UTC, datetime

from moto.core.exceptions import ServiceException

__all__ = [
    "health_cause",
    "launch_cause",
    "launch_failed",
    "sizes_cause",
    "terminate_cause",
    "where",
]


def now() -> str:
    """The instant, as causes show it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def where(zone: str, subnet: str) -> str:
    """An activity's details."""
    return json.dumps({"Subnet ID": subnet, "Availability Zone": zone})


def launch_cause(before: int, after: int) -> str:
    """Why an instance was started."""
    return (
        f"At {now()} an instance was started in response to a difference between desired and "
        f"actual capacity, increasing the capacity from {before} to {after}."
    )


def terminate_cause(before: int, after: int) -> str:
    """Why scale-in ended an instance."""
    return (
        f"At {now()} an instance was taken out of service in response to a difference between "
        f"desired and actual capacity, shrinking the capacity from {before} to {after}."
    )


def asked_cause(before: int, after: int) -> str:
    """Why an instance was ended that somebody named."""
    text = f"At {now()} instance was taken out of service in response to a user request"
    shrunk = f", shrinking the capacity from {before} to {after}" if after < before else ""
    return f"{text}{shrunk}."


def rebalance_cause(zones: str, *, launches: bool) -> str:
    """Why an instance was started, or ended, that nobody needed elsewhere."""
    done = "launched" if launches else "taken out of service"
    return (
        f"At {now()} an instance was {done} to aid in balancing the group's zones. "
        f"Availability Zones {zones} had unequal counts of instances."
    )


def health_cause(*, gone: bool) -> str:
    """Why an unhealthy instance was ended."""
    what = (
        "indicating it has been terminated or stopped"
        if gone
        else "indicating it is impaired or marked unhealthy"
    )
    return (
        f"At {now()} an instance was taken out of service in response to an EC2 health check "
        f"{what}."
    )


def sizes_cause(before: int, after: int, what: str) -> str:
    """Why the desired capacity changed."""
    return f"At {now()} {what} changing the desired capacity from {before} to {after}."


def launch_failed(error: ServiceException, market: str, *, mixed: bool) -> str:
    """The StatusMessage of a launch that failed."""
    text = error.message.rstrip(".")
    if not mixed:
        return f"{text}. Launching EC2 instance failed."
    kind = "Spot" if market == "spot" else "On-Demand"
    return (
        f"Could not launch {kind} Instances. {error.code} - {text}. Launching EC2 instance failed."
    )
