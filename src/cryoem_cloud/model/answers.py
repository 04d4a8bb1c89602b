"""What a provider has answered about its machines and prices, part by part, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from cryoem_cloud.model.machine_type import MachineType, Price

__all__ = ["Answers", "Part"]


class Part(Enum):
    """What is asked at a time. The values are words of stored records."""

    SPECS = "specs"
    ON_DEMAND = "on-demand"
    """And what is reserved."""
    SPOT = "spot"

    @property
    def lasts(self) -> timedelta:
        """For so long an answer is fresh."""
        return _LASTS[self]


_LASTS = {
    Part.SPECS: timedelta(days=7),
    Part.ON_DEMAND: timedelta(hours=24),
    Part.SPOT: timedelta(minutes=10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Of a region; `asked` has the instants of the parts that there are.

    `spot` has the prices of each machine type's zones, by the zones' ids.
    """

    region: str
    asked: Mapping[Part, datetime]
    specs: Mapping[str, MachineType] = field(default_factory=dict)
    on_demand: Mapping[str, Price] = field(default_factory=dict)
    spot: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    def fresh(self, part: Part, now: datetime) -> bool:
        """Whether there is an answer, and it has not grown old. One of the future has not."""
        return part in self.asked and now - self.asked[part] < part.lasts
