"""A catalogue as people look at it: prices by the hour of a machine, of a vCPU, of a GPU."""

from decimal import Decimal
from enum import Enum

from cryoem_cloud.model.machine_type import Listing
from cryoem_cloud.planner.catalog.catalogue import Catalogue

__all__ = ["Sale", "Unit", "in_order", "per"]

_NEVER = Decimal("Infinity")


class Unit(Enum):
    """What a price is of. The values are words that users give."""

    MACHINE = "machine"
    VCPU = "vcpu"
    GPU = "gpu"


class Sale(Enum):
    """How it is sold. The values are the names in `Price`, and of JSON's fields."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    RESERVED_1Y = "reserved_1y"
    RESERVED_3Y = "reserved_3y"


def per(unit: Unit, sale: Sale, listing: Listing) -> Decimal | None:
    """US dollars for an hour of one of them; None: it is not sold so, or has none."""
    price: Decimal | None = getattr(listing.price, sale.value)
    kind = listing.kind
    number = {Unit.MACHINE: 1, Unit.VCPU: kind.vcpus, Unit.GPU: kind.gpus}[unit]
    return price / number if price is not None and number else None


def in_order(catalogue: Catalogue, unit: Unit) -> list[Listing]:
    """What has GPUs first, model by model, then what has none; in each the cheapest first.

    Models are in the order of their cheapest GPU. What is cheap is so on demand.
    """
    cheapest: dict[str, Decimal] = {}
    for each in catalogue.listings:
        usd = per(Unit.GPU, Sale.ON_DEMAND, each)
        if usd is not None:
            cheapest[each.kind.gpu] = min(usd, cheapest.get(each.kind.gpu, _NEVER))

    def place(each: Listing) -> tuple[bool, Decimal, str, Decimal, str, str]:
        kind, usd = each.kind, per(unit, Sale.ON_DEMAND, each)
        model = (not kind.gpu, cheapest.get(kind.gpu, _NEVER), kind.gpu)
        return (*model, _NEVER if usd is None else usd, kind.name, each.region)

    return sorted(catalogue.listings, key=place)
