"""What an account has in a region: how many machines it may start there, and in which zones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryoem_cloud.model.allowance import Allowance

__all__ = ["Footing"]

_LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """As the provider told it at an instant.

    `zones` are those that its machines may be in: their ids, by the names that the account has for
    them (an account's `us-west-2a` is another one's `us-west-2c`).
    """

    region: str
    asked: datetime
    allowances: tuple[Allowance, ...] = ()
    zones: Mapping[str, str] = field(default_factory=dict)

    def fresh(self, now: datetime) -> bool:
        """Whether it is neither older than 24 h nor of a time to come (a clock was off)."""
        return timedelta() <= now - self.asked < _LASTS
