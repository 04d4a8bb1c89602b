"""What keeping and moving bytes costs somewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from cryoem_cloud.model.usd import ZERO

__all__ = ["FREE", "GB", "ClassPrices", "StorageClass", "StoragePrices"]

GB = 2**30
"""Bytes of what AWS's bills call a GB."""
_FREE_GB = Decimal(100)
"""So many GB to the internet are free each month, for an account."""


class StorageClass(Enum):
    """Of an object, the dearest to keep first. The values are S3's own words."""

    STANDARD = "STANDARD"
    INFREQUENT = "STANDARD_IA"
    """Cheaper to keep; what is read is paid for."""
    INSTANT = "GLACIER_IR"
    """Cheaper still; read at once, and dearer to read."""
    DEEP = "DEEP_ARCHIVE"
    """The cheapest; is restored within 12 hours, in bulk within 48, before it can be read."""

    @property
    def least_days(self) -> int:
        """So many days are paid for, even of what is deleted sooner."""
        return _LEAST_DAYS[self]

    @property
    def least_bytes(self) -> int:
        """A smaller object is paid for as one of so many bytes."""
        return 128 * 2**10 if self in {StorageClass.INFREQUENT, StorageClass.INSTANT} else 0


_LEAST_DAYS = {
    StorageClass.STANDARD: 0,
    StorageClass.INFREQUENT: 30,
    StorageClass.INSTANT: 90,
    StorageClass.DEEP: 180,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPrices:
    """US dollars of a class: a GB for a month, a GB that is read, 1,000 requests.

    `writes_1000` are of requests that write, copy, list or move into this class; `reads_1000` of
    those that read, of DEEP of those that restore. What says bulk is of the slower restoring.
    """

    gb_month: Decimal
    writes_1000: Decimal
    reads_1000: Decimal
    read_gb: Decimal = ZERO
    bulk_reads_1000: Decimal = ZERO
    bulk_read_gb: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class StoragePrices:
    """A region's, in US dollars.

    `gp3_gb_month` is of a disk, `snapshot_gb_month` of a disk's copy, `address_hour` of a machine's
    public address. `to_internet` has, for each
    step, up to how many GB of a month it goes (None: without end) and what a GB costs in it.
    `estimates` names what no price list has told us: `GLACIER_IR GB-month`. `source` says whose
    prices these are, and of which day.
    """

    region: str
    classes: Mapping[StorageClass, ClassPrices]
    gp3_gb_month: Decimal
    snapshot_gb_month: Decimal
    to_internet: tuple[tuple[int | None, Decimal], ...]
    to_regions_gb: Decimal
    to_zones_gb: Decimal
    address_hour: Decimal = ZERO
    estimates: frozenset[str] = frozenset()
    source: str = ""

    @property
    def egress_gb(self) -> Decimal:
        """What a GB to the internet costs, the free ones aside: the first step's, the dearest."""
        return self.to_internet[0][1] if self.to_internet else ZERO

    def month_usd(self, size: int, kept: StorageClass = StorageClass.STANDARD) -> Decimal:
        """What so many bytes cost for a month, without requests."""
        return self.classes[kept].gb_month * size / GB

    def egress_usd(self, size: int, before: int = 0) -> Decimal:
        """What so many bytes to the internet cost, after `before` bytes of the same month."""
        return self._up_to(Decimal(before + size) / GB) - self._up_to(Decimal(before) / GB)

    def _up_to(self, gb: Decimal) -> Decimal:
        """The first `gb` of a month; the free ones are those of the first step."""
        usd, below = ZERO, _FREE_GB
        for end, price in self.to_internet:
            upper = gb if end is None else min(gb, Decimal(end))
            usd += max(ZERO, upper - below) * price
            below = upper
        return usd


_NOTHING = ClassPrices(gb_month=ZERO, writes_1000=ZERO, reads_1000=ZERO)
FREE = StoragePrices(
    region="",
    classes=dict.fromkeys(StorageClass, _NOTHING),
    gp3_gb_month=ZERO,
    snapshot_gb_month=ZERO,
    to_internet=(),
    to_regions_gb=ZERO,
    to_zones_gb=ZERO,
)
"""Of a store for which nobody asks money that we know of."""
