"""What a provider's bill says, beside what the ledger says."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from cryoem_cloud.model.charge import Charge, What
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.usd import ZERO

__all__ = ["Billed", "Item", "Line", "reconciled"]


class Item(Enum):
    """What a bill is about. The values are words of answers for programs."""

    ON_DEMAND = "machines on demand"
    SPOT = "machines on Spot"
    DISKS = "disks"
    HOME = "brought home"
    ADDRESSES = "addresses"
    TRAFFIC = "traffic inside"
    STORE = "files in the store"
    REQUESTS = "requests"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """US dollars of one month for one thing; `project` is "" where it is not one project's.

    `name` is the provider's own for the thing, `estimated` says that the sum may still change.
    """

    month: str
    item: Item
    name: str
    usd: Decimal
    project: str = ""
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A month's sums for one thing. `shared`: the bill has all projects of a store in it."""

    month: str
    item: Item
    ledger: Decimal = ZERO
    billed: Decimal = ZERO
    shared: bool = False
    estimated: bool = False
    names: tuple[str, ...] = ()

    @property
    def remainder(self) -> Decimal:
        """What the bill has and the ledger has not; negative where the ledger has more."""
        return self.billed - self.ledger

    def to_json(self) -> dict[str, JSON]:
        """For programs."""
        return {
            "month": self.month,
            "item": self.item.value,
            "ledger_usd": f"{self.ledger:f}",
            "billed_usd": f"{self.billed:f}",
            "remainder_usd": f"{self.remainder:f}",
            "shared": self.shared,
            "estimated": self.estimated,
            "names": list(self.names),
        }


_OF_STORES = frozenset({What.STORE, What.REQUESTS, What.EGRESS})
_ITEMS = {
    What.DISK: Item.DISKS,
    What.ADDRESS: Item.ADDRESSES,
    What.STORE: Item.STORE,
    What.REQUESTS: Item.REQUESTS,
    What.EGRESS: Item.HOME,
}


def reconciled(
    charges: Iterable[Charge], billed: Iterable[Billed], *, project: str, region: str
) -> list[Line]:
    """The ledger's sums beside the bill's, month by month, for the machines of one region.

    The bill's lines of other projects are left out; every charge and every other line is in exactly
    one sum.
    """
    sums: dict[tuple[str, Item], list[Decimal]] = {}
    for charge in charges:
        if charge.what in _OF_STORES or charge.region == region:
            sums.setdefault((charge.month, _item(charge)), []).append(charge.usd or ZERO)
    lines: dict[tuple[str, Item], list[Billed]] = {}
    for each in billed:
        if each.project in {"", project}:
            lines.setdefault((each.month, each.item), []).append(each)
    order = list(Item)
    keys = sorted({*sums, *lines}, key=lambda key: (key[0], order.index(key[1])))
    return [_line(key, sums.get(key, []), lines.get(key, [])) for key in keys]


def _item(charge: Charge) -> Item:
    if charge.what in _ITEMS:
        return _ITEMS[charge.what]
    return Item.SPOT if charge.market == Market.SPOT.value else Item.ON_DEMAND


def _line(key: tuple[str, Item], ours: list[Decimal], theirs: list[Billed]) -> Line:
    month, item = key
    return Line(
        month=month,
        item=item,
        ledger=sum(ours, ZERO),
        billed=sum((each.usd for each in theirs), ZERO),
        shared=any(not each.project for each in theirs),
        estimated=any(each.estimated for each in theirs),
        names=tuple(sorted({each.name for each in theirs})),
    )
