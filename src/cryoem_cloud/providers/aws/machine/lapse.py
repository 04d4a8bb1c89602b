"""When a fleet ends without us: where nothing progresses, and after its limit."""

from datetime import datetime, timedelta

__all__ = ["GRACE_S", "LAPSE_S", "lapse_at"]

GRACE_S = 600.0
"""Between a job's limit, at which its machines end it, and AWS's end of the fleet."""
LAPSE_S = 4500.0
"""A fleet of which nothing progresses for so long is ended by AWS: 65 to 75 min after the last sign
of it, as that is told every 10 min; an idle machine has ended by itself, with a reason, by then."""


def lapse_at(now: datetime) -> datetime:
    """The instant: an even second, as no two actions of a group may share one."""
    at = (now + timedelta(seconds=LAPSE_S)).replace(microsecond=0)
    return at + timedelta(seconds=at.second % 2)
