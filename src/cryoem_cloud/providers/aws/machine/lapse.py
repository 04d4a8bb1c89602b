"""When a fleet ends of which nothing progresses."""

from datetime import datetime, timedelta

__all__ = ["LAPSE_S", "lapse_at"]

LAPSE_S = 3600.0
"""A fleet of which nothing progresses for so long is ended by AWS."""


def lapse_at(now: datetime) -> datetime:
    """The instant: an even second, as no two actions of a group may share one."""
    at = (now + timedelta(seconds=LAPSE_S)).replace(microsecond=0)
    return at + timedelta(seconds=at.second % 2)
