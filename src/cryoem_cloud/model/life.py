"""A machine's life, put together from what all witnesses saw, and what it cost month by month.

Merging is commutative, associative and idempotent: each part of a life is the least or the greatest
of what was said, or the first that was said. So it does not matter which witnesses died, who wrote
twice, or in which order records are read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self, TypeVar

from cryoem_cloud.model.charge import MONTH_H, Charge, Rate, Sighting, What, Witness

__all__ = ["MONTH_H", "Life", "lives", "merged", "months_of"]

_HOUR_S = 3600

T = TypeVar("T", bound="datetime | tuple[datetime, Rate]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One machine's. `launched` and `ended` are the provider's words; None while it said none.

    `first` and `last` are the ends of what couriers and agents saw, of an agent's own sight no more
    than its limit. `over`: somebody saw it end. `rate` is the first one that was told, and when;
    machines are not asked what they cost.
    """

    machine: str
    job: int
    launched: datetime | None = None
    ended: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None
    over: bool = False
    rate: tuple[datetime, Rate] | None = None
    token: str = ""
    submitter: str = ""
    where: str = ""
    kind: str = ""
    market: str = ""
    region: str = ""
    zone: str = ""

    @classmethod
    def of(cls, seen: Sighting) -> Self:
        """What one record says."""
        official = seen.witness is Witness.PROVIDER
        until = seen.until
        if seen.witness is Witness.AGENT and seen.since and until and seen.limit_s:
            until = min(until, seen.since + timedelta(seconds=seen.limit_s))
        told_at = None if seen.witness is Witness.AGENT else seen.since or seen.until
        return cls(
            machine=seen.machine,
            job=seen.job,
            launched=seen.since if official else None,
            ended=until if official and seen.ended else None,
            first=None if official else seen.since,
            last=until,
            over=seen.ended,
            rate=(told_at, seen.rate) if seen.rate and told_at else None,
            token=seen.token,
            submitter=seen.submitter,
            where=seen.where,
            kind=seen.kind,
            market=seen.market,
            region=seen.region,
            zone=seen.zone,
        )

    @property
    def begin(self) -> datetime | None:
        """When it was launched, as far as anybody knows."""
        return self.launched or self.first or self.last

    @property
    def end(self) -> datetime | None:
        """When it ended; of one of which no end is known, when it was last seen."""
        begin, end = self.begin, self.ended or self.last
        if begin is None:
            return None
        return max(begin, end) if end else begin

    @property
    def seconds(self) -> int:
        """How long it was there."""
        begin, end = self.begin, self.end
        return int((end - begin).total_seconds()) if begin and end else 0

    def charges(self, project: str) -> Iterator[Charge]:
        """What it cost, a charge for each month that it saw, and for its disk and address."""
        begin, end = self.begin, self.end
        if begin is None or end is None:
            return
        told, rate = self._unpriced(project), self.rate[1] if self.rate else None
        parts = list(months_of(begin, end))
        short = max(0, rate.least_s - self.seconds) if rate else 0
        for at, (month, seconds) in enumerate(parts):
            billed = seconds + (short if at == len(parts) - 1 else 0)
            told = replace(told, month=month, seconds=billed)
            if rate is None:
                yield told
                continue
            yield replace(told, usd=rate.usd_per_hour * billed / _HOUR_S)
            hours = Decimal(billed) / _HOUR_S
            if rate.disk_usd_per_hour:
                held = rate.disk_gib * hours / MONTH_H
                disk = rate.disk_usd * rate.disk_gib * billed / _HOUR_S / MONTH_H
                yield replace(told, what=What.DISK, usd=disk, gb_months=held)
            if rate.address_usd:
                yield replace(told, what=What.ADDRESS, usd=rate.address_usd * hours)

    def _unpriced(self, project: str) -> Charge:
        return Charge(
            what=What.MACHINE,
            project=project,
            job=self.job,
            month="",
            usd=None,
            submitter=self.submitter,
            machine=self.machine,
            kind=self.kind,
            market=self.market,
            region=self.region,
            source=self.rate[1].source if self.rate else "",
        )


def merged(one: Life, other: Life) -> Life:
    """What both say together, of the same machine.

    The earliest launch and the earliest end that the provider told (a machine is billed until it
    begins to shut down), all that was seen, the first price.
    """
    return Life(
        machine=max(one.machine, other.machine),
        job=max(one.job, other.job),
        launched=_least(one.launched, other.launched),
        ended=_least(one.ended, other.ended),
        first=_least(one.first, other.first),
        last=_greatest(one.last, other.last),
        over=one.over or other.over,
        rate=_least(one.rate, other.rate),
        token=max(one.token, other.token),
        submitter=max(one.submitter, other.submitter),
        where=max(one.where, other.where),
        kind=max(one.kind, other.kind),
        market=max(one.market, other.market),
        region=max(one.region, other.region),
        zone=max(one.zone, other.zone),
    )


def lives(seen: Iterable[Sighting]) -> dict[tuple[int, str], Life]:
    """Each machine's life, by job and name."""
    found: dict[tuple[int, str], Life] = {}
    for each in seen:
        life, key = Life.of(each), (each.job, each.machine)
        found[key] = merged(found[key], life) if key in found else life
    return found


def months_of(begin: datetime, end: datetime) -> Iterator[tuple[str, int]]:
    """The months (as 2026-11, UTC) that a time touches, each with its whole seconds of it."""
    at = begin.astimezone(UTC)
    while True:
        following = (at.replace(day=1, hour=0, minute=0, second=0) + timedelta(days=32)).replace(
            day=1
        )
        until = min(following, end)
        yield f"{at:%Y-%m}", int((until - at).total_seconds())
        if until >= end:
            return
        at = until


def _least(one: T | None, other: T | None) -> T | None:
    return one if other is None else other if one is None else min(one, other)


def _greatest(one: T | None, other: T | None) -> T | None:
    return one if other is None else other if one is None else max(one, other)
