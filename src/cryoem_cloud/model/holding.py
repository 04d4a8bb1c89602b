"""What a store held of a project on a day, and what keeping it has cost."""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Self

from cryoem_cloud.model.charge import Charge, What
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.record import decode, encode, mapping, natural, text
from cryoem_cloud.model.storage_prices import GB
from cryoem_cloud.model.units import visible
from cryoem_cloud.model.usd import price

__all__ = ["Holding", "kept_charges"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Bytes by class, as they are paid for, and what a GB (2**30) of each costs for a month.

    A class without a price has none of ours.
    """

    day: date
    sizes: Mapping[str, int]
    usd_gb_month: Mapping[str, Decimal]
    source: str = ""

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "holding",
            {
                "day": f"{self.day:%Y-%m-%d}",
                "bytes": dict(sorted(self.sizes.items())),
                "usd_per_gb_month": {k: f"{v:f}" for k, v in sorted(self.usd_gb_month.items())},
                "price": self.source,
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such record.
        """
        fields = decode("holding", data)
        sizes, prices = mapping(fields, "bytes"), mapping(fields, "usd_per_gb_month")
        found = {visible(str(word)): natural(sizes, word) for word in sizes}
        try:
            day = date.fromisoformat(text(fields, "day"))
        except ValueError as error:
            raise FormatError(f"no day: {fields.get('day')!r}") from error
        return cls(
            day=day,
            sizes=found,
            usd_gb_month={visible(str(word)): price(text(prices, word)) for word in prices},
            source=visible(text(fields, "price", "")),
        )


def _rank(seen: Holding) -> tuple[int, bytes]:
    return sum(seen.sizes.values()), seen.to_bytes()


def kept_charges(seen: Iterable[Holding], project: str) -> Iterator[Charge]:
    """What keeping has cost from the first day that somebody looked through the last, by month.

    What was seen on a day is taken to stay until the next one on which somebody looked. A day costs
    its part of its month's price. Of two records of a day the one with more counts: the order
    of records, and whether one comes twice, changes nothing.
    """
    days: dict[date, Holding] = {}
    for each in seen:
        other = days.get(each.day, each)
        days[each.day] = max(each, other, key=_rank)
    order = [days[day] for day in sorted(days)]
    ends = [after.day for _, after in pairwise(order)]
    ends += [each.day + _DAY for each in order[-1:]]
    sums: dict[tuple[str, str, str], tuple[Decimal, Decimal | None]] = {}
    for each, end in zip(order, ends, strict=True):
        for month, share in _shares(each.day, end):
            for word, size in each.sizes.items():
                gb_months = share * size / GB
                price = each.usd_gb_month.get(word)
                key = (month, word, each.source)
                before, cost = sums.get(key, (Decimal(0), None))
                more = None if price is None else (cost or Decimal(0)) + price * gb_months
                sums[key] = (before + gb_months, cost if more is None else more)
    for (month, word, source), (gb_months, cost) in sorted(sums.items()):
        if gb_months:
            yield Charge(
                what=What.STORE,
                project=project,
                job=0,
                month=month,
                usd=cost,
                kind=word,
                gb_months=gb_months,
                source=source,
            )


def _shares(begin: date, end: date) -> Iterator[tuple[str, Decimal]]:
    """The months from a day until before another, each with the share of it that this is."""
    while begin < end:
        days = monthrange(begin.year, begin.month)[1]
        following = begin.replace(day=1) + days * _DAY
        until = min(end, following)
        yield f"{begin:%Y-%m}", Decimal((until - begin).days) / days
        begin = until
