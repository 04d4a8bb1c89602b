"""What was asked of a store and what came of it, as its askers record it, and what that cost.

Each asker counts for itself alone, and its counts only grow. So what two records of one asker say
together is the greater of each count, and what all say is the sum over askers: merging is
commutative, associative and idempotent, whoever died when.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from cryoem_cloud.model.charge import Charge, What, said
from cryoem_cloud.model.record import decode, encode, month, natural, text
from cryoem_cloud.model.storage_prices import GB, StorageClass, StoragePrices
from cryoem_cloud.model.usd import ZERO, price

__all__ = ["Asking", "Tariff", "Usage", "asked_together"]

_COUNTS = ("writes", "reads", "restores", "home_bytes")


@dataclass(frozen=True, slots=True)
class Asking:
    """Requests by what they are charged as, and bytes that came with their answers."""

    writes: int = 0
    reads: int = 0
    restores: int = 0
    home_bytes: int = 0

    def plus(self, what: str, come: int) -> Self:
        """With one request more, by the word of its kind; words without a count are free."""
        one = {what: getattr(self, what) + 1} if what in _COUNTS else {}
        return replace(self, **one, home_bytes=self.home_bytes + come)

    @property
    def requests(self) -> int:
        """All that are paid for."""
        return self.writes + self.reads + self.restores

    def less(self, before: Self) -> Self:
        """What has come since."""
        return replace(
            self, **{name: getattr(self, name) - getattr(before, name) for name in _COUNTS}
        )

    def most(self, other: Self) -> Self:
        """The greater of each count."""
        pairs = {name: max(getattr(self, name), getattr(other, name)) for name in _COUNTS}
        return replace(self, **pairs)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Tariff:
    """US dollars: a GB (2**30 bytes) that comes home, and 1,000 requests of each kind."""

    home_gb: Decimal = ZERO
    writes_1000: Decimal = ZERO
    reads_1000: Decimal = ZERO
    restores_1000: Decimal = ZERO
    source: str = ""

    @classmethod
    def of(cls, prices: StoragePrices) -> Self:
        """As a store's prices have it; of objects in other classes than the first, about so."""
        first = prices.classes[StorageClass.STANDARD]
        deep = prices.classes.get(StorageClass.DEEP, first)
        return cls(
            home_gb=prices.egress_gb,
            writes_1000=first.writes_1000,
            reads_1000=first.reads_1000,
            restores_1000=deep.reads_1000,
            source=prices.source,
        )

    def requests_usd(self, asked: Asking) -> Decimal:
        """What requests cost."""
        return (
            self.writes_1000 * asked.writes
            + self.reads_1000 * asked.reads
            + self.restores_1000 * asked.restores
        ) / 1000

    def home_usd(self, asked: Asking) -> Decimal:
        """What the bytes cost that came home."""
        return self.home_gb * asked.home_bytes / GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one asker had asked for one job (0: the project as a whole) in one month, as 2026-11.

    `asker` names one run of one program. Of one whose bytes do not leave the provider's network,
    `home_bytes` is 0.
    """

    asker: str
    job: int
    month: str
    asked: Asking
    tariff: Tariff
    submitter: str = ""

    def to_bytes(self) -> bytes:
        """As it is stored."""
        counts = {name: getattr(self.asked, name) for name in _COUNTS}
        tariff = self.tariff
        return encode(
            "usage",
            {
                "asker": self.asker,
                "job": self.job,
                "month": self.month,
                **counts,
                "usd_per_gb": f"{tariff.home_gb:f}",
                "usd_per_1000_writes": f"{tariff.writes_1000:f}",
                "usd_per_1000_reads": f"{tariff.reads_1000:f}",
                "usd_per_1000_restores": f"{tariff.restores_1000:f}",
                "price": tariff.source,
                "submitter": self.submitter,
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such record.
        """
        fields = decode("usage", data)
        counts = {name: natural(fields, name) for name in _COUNTS}
        return cls(
            asker=said(fields, "asker"),
            job=natural(fields, "job"),
            month=month(fields, "month"),
            asked=Asking(**counts),
            tariff=Tariff(
                home_gb=price(text(fields, "usd_per_gb")),
                writes_1000=price(text(fields, "usd_per_1000_writes")),
                reads_1000=price(text(fields, "usd_per_1000_reads")),
                restores_1000=price(text(fields, "usd_per_1000_restores")),
                source=said(fields, "price"),
            ),
            submitter=said(fields, "submitter"),
        )

    def merged(self, other: Self) -> Self:
        """What two records of the same asker, job and month say together."""
        return replace(
            self,
            asked=self.asked.most(other.asked),
            tariff=max(self.tariff, other.tariff),
            submitter=max(self.submitter, other.submitter),
        )

    def charges(self, project: str) -> Iterator[Charge]:
        """What it cost."""
        about = Charge(
            what=What.REQUESTS,
            project=project,
            job=self.job,
            month=self.month,
            usd=self.tariff.requests_usd(self.asked),
            submitter=self.submitter,
            requests=self.asked.requests,
            source=self.tariff.source,
        )
        if about.usd:
            yield about
        if home := self.tariff.home_usd(self.asked):
            size = Decimal(self.asked.home_bytes) / GB
            yield replace(about, what=What.EGRESS, usd=home, requests=0, gigabytes=size)


def asked_together(records: Iterable[Usage]) -> Mapping[tuple[str, int, str], Usage]:
    """What each asker has asked, by its name, the job and the month; in any order, also twice."""
    found: dict[tuple[str, int, str], Usage] = {}
    for each in records:
        key = (each.asker, each.job, each.month)
        found[key] = found[key].merged(each) if key in found else each
    return found
