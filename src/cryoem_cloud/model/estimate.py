"""What a fleet may cost: an upper bound, before it is ordered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

from cryoem_cloud.model.charge import Rate
from cryoem_cloud.model.life import months_of
from cryoem_cloud.model.units import counted, roughly
from cryoem_cloud.model.usd import about, dollars

__all__ = ["Estimate"]

_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """So many machines for so long, each at so much an hour with its disk.

    It is `sure` if they end then; else they are there no longer nine times of ten.
    """

    kind: str
    market: str
    count: int
    lasts_s: int
    usd_per_hour: Decimal
    sure: bool = True

    @classmethod
    def at(
        cls,
        rate: Rate,
        *,
        kind: str,
        market: str,
        count: int,
        lasts_s: float,
        sure: bool = True,
    ) -> Self:
        """At a machine's rate."""
        return cls(
            kind=kind,
            market=market,
            count=count,
            lasts_s=int(lasts_s),
            usd_per_hour=rate.whole_usd_per_hour,
            sure=sure,
        )

    @property
    def usd(self) -> Decimal:
        """All of it."""
        return self.usd_per_hour * self.count * self.lasts_s / _HOUR_S

    def months(self, now: datetime) -> Mapping[str, Decimal]:
        """The same by month (as 2026-11, UTC), if it begins now."""
        end = now + timedelta(seconds=self.lasts_s)
        an_hour = self.usd_per_hour * self.count
        return {
            month: an_hour * seconds / _HOUR_S for month, seconds in months_of(now, end) if seconds
        }

    def told(self) -> str:
        """In words."""
        market = f" ({self.market})" if self.market else ""
        lasts = roughly(self.lasts_s).removesuffix(" 00 min")
        most = "at most" if self.sure else "nine times of ten at most"
        source = "" if self.kind else " by the setting local_price"
        shorter = "" if self.kind else " (less with --max-hours)"
        return (
            f"{most} {about(self.usd)}: {counted(self.count, 'machine')} like "
            f"{self.kind or 'this computer'}{market}, {dollars(self.usd_per_hour)} an hour each"
            f"{source}, for {lasts} at most{shorter}"
        )
