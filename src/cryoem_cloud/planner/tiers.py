"""What keeping objects in a class costs, moving them to another, and restoring them from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.model.storage_prices import GB, StorageClass, StoragePrices
from cryoem_cloud.model.usd import ZERO

__all__ = [
    "LEAST_BYTES",
    "Archiving",
    "Restoring",
    "archiving",
    "month_usd",
    "restoring",
]

LEAST_BYTES = 128 * 2**10
"""Smaller objects stay where they are: S3 bills them as so many bytes in its instant classes, and
adds 40 KiB to each in the archive."""
_ADDED = {StorageClass.DEEP: ((StorageClass.DEEP, 32 * 2**10), (StorageClass.STANDARD, 8 * 2**10))}
"""What S3 keeps of each object beside its bytes, and bills (S3 user guide, storage classes)."""
_WHOLE_BYTES, _PART_BYTES = 5 * 2**30, 2**30
"""One request copies so much; what is larger goes in parts of a GiB."""
_DAYS = 30
"""Of a month, as least times are counted."""
_HOURS = {False: 12, True: 48}
"""So long restoring takes at most, in bulk or not (S3 user guide, archive retrieval options)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """What moving objects costs: requests, once; then a month, which was `before_usd`.

    `least_usd` is paid for the class's least time, even where they are deleted sooner.
    """

    moved: int
    size: int
    requests_usd: Decimal
    before_usd: Decimal
    after_usd: Decimal
    least_days: int
    least_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """What restoring objects costs, with a copy that stays for some days, and takes at most."""

    usd: Decimal
    hours: int


def month_usd(prices: StoragePrices, kept: StorageClass, sizes: Iterable[int]) -> Decimal:
    """What objects of these sizes (bytes) cost for a month in a class, with what S3 adds."""
    added = _ADDED.get(kept, ())
    usd, number, total = ZERO, 0, 0
    for size in sizes:
        number += 1
        total += max(size, kept.least_bytes)
    usd = prices.month_usd(total, kept)
    return usd + sum((prices.month_usd(number * more, of) for of, more in added), ZERO)


def archiving(
    prices: StoragePrices, objects: Sequence[tuple[StorageClass, int]], to: StorageClass
) -> Archiving:
    """What moving objects, each in a class and of a size in bytes, to another class costs."""
    sizes = [size for _, size in objects]
    before = sum((month_usd(prices, kept, [size]) for kept, size in objects), ZERO)
    after = month_usd(prices, to, sizes)
    return Archiving(
        moved=len(objects),
        size=sum(sizes),
        requests_usd=prices.classes[to].writes_1000 * sum(map(_requests, sizes)) / 1000,
        before_usd=before,
        after_usd=after,
        least_days=to.least_days,
        least_usd=after * to.least_days / _DAYS,
    )


def restoring(prices: StoragePrices, sizes: Sequence[int], *, days: int, bulk: bool) -> Restoring:
    """What restoring objects of these sizes in bytes from the archive costs, for so many days."""
    deep, total = prices.classes[StorageClass.DEEP], sum(sizes)
    request = deep.bulk_reads_1000 if bulk else deep.reads_1000
    gb = deep.bulk_read_gb if bulk else deep.read_gb
    copies = prices.month_usd(total) * days / _DAYS
    usd = request * len(sizes) / 1000 + gb * total / GB + copies
    return Restoring(usd=usd, hours=_HOURS[bulk])


def _requests(size: int) -> int:
    return 1 if size <= _WHOLE_BYTES else 2 + -(-size // _PART_BYTES)
