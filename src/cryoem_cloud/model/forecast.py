"""How long a running job will take yet, and what it will have cost then."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.plan import UsdRange
from cryoem_cloud.model.record import JSON, instant, mapping, text
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.units import roughly

__all__ = ["Forecast"]

_HOUR_S = 3600
_LEAST_S = 30.0
"""Of a job that has not ended, and takes longer than was foreseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """At an instant there were `left_s` seconds of work left; `told` says how far the job was."""

    at: datetime
    left_s: Spread
    told: str

    def left(self, now: datetime) -> Spread:
        """The seconds that are left by now."""
        gone_s = max(0.0, (now - self.at) / timedelta(seconds=1))
        left = self.left_s
        return Spread(*(max(each - gone_s, _LEAST_S) for each in (left.p10, left.p50, left.p90)))

    def words(self, now: datetime) -> str:
        """For people: `iteration 7 of 25, 2 h 10 min to 3 h 05 min left`."""
        left = self.left(now)
        low, high = roughly(left.p10), roughly(left.p90)
        return f"{self.told}, {low if low == high else f'{low} to {high}'} left"

    def usd(self, so_far: Decimal, usd_per_hour: Decimal, now: datetime) -> UsdRange:
        """What it will have cost, if all machines that are there stay until the end."""
        left = self.left(now)
        p10, p50, p90 = (
            so_far + usd_per_hour * Decimal(round(seconds)) / _HOUR_S
            for seconds in (left.p10, left.p50, left.p90)
        )
        return UsdRange(p10, p50, p90)

    def to_json(self) -> dict[str, JSON]:
        """As it is stored, and for programs."""
        left = self.left_s
        return {
            "at": f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "left_s": {"p10": left.p10, "p50": left.p50, "p90": left.p90},
            "told": self.told,
        }

    @classmethod
    def from_json(cls, fields: JSON) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no forecast.
        """
        if not isinstance(fields, dict):
            raise FormatError(f"a forecast should be an object, found {fields!r:.80}")
        return cls(
            at=instant(fields, "at"),
            left_s=Spread.from_json(mapping(fields, "left_s")),
            told=text(fields, "told", ""),
        )
