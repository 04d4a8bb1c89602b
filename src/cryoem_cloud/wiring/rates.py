"""What machines cost, as the catalogue and the settings tell it."""

from decimal import Decimal
from functools import lru_cache

from cryoem_cloud.model.charge import Rate, Rented
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.machine_type import Listing
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.usd import usd
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.ports.rates import Rates
from cryoem_cloud.settings import Places, Settings
from cryoem_cloud.wiring.catalogue import catalogue
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.footing import kept_footing

__all__ = ["rates_by"]

_LEAST_S = 60
"""EC2 bills so many seconds of each machine at least (EC2 user guide, On-Demand Instances)."""
_FRESH_S = 600
_SYSTEM_GIB = 30
"""Of each machine's disk, beside what it is to hold; an image that is larger has more."""
_GIB_A_GB = 2**30 / 10**9


def rates_by(places: Places, settings: Settings) -> Rates:
    """Prices of today for this user: of AWS's machines as listed, of this computer as set."""

    def rate(wanted: Rented) -> Rate | None:
        if wanted.where == "aws":
            return _listed(places, wanted)
        if wanted.where == "local" and settings.local_price:
            return Rate(usd_per_hour=usd(settings.local_price), source="the setting local_price")
        return None

    return rate


def _listed(places: Places, wanted: Rented) -> Rate | None:
    """Of a Spot machine its zone's, where that is known; of one yet to come the dearest zone's.

    Zones' prices come by their ids. Where nobody knows the zones of the account, all count.
    """
    try:
        sold = _catalogue(places, wanted.region, int(SystemClock().monotonic() // _FRESH_S))
        kept = tables.storage_prices(wanted.region)
    except CryoemError:  # the catalogue has no such region
        return None
    listing = sold.named(wanted.kind, wanted.region)
    price = _price(places, listing, wanted) if listing else None
    if listing is None or price is None:
        return None
    own_gib = listing.kind.nvme_gb / _GIB_A_GB
    held = 0 if own_gib >= wanted.disk_gib else wanted.disk_gib
    return Rate(
        usd_per_hour=price,
        source=f"{wanted.market or Market.ON_DEMAND.value}, {sold.told}",
        disk_gib=_SYSTEM_GIB + held,
        disk_usd=kept.gp3_gb_month,
        address_usd=kept.address_hour,
        least_s=_LEAST_S,
    )


@lru_cache(maxsize=16)
def _catalogue(places: Places, region: str, _: int) -> Catalogue:
    """A region's, read anew every ten minutes."""
    return catalogue(places, SystemClock().now(), regions=(region,))


def _price(places: Places, listing: Listing, wanted: Rented) -> Decimal | None:
    price = listing.price
    if wanted.market != Market.SPOT.value:
        return price.on_demand
    there = kept_footing(places, listing.region) if price.zones else None
    zones = there.zones if there else {}
    if (its := price.zones.get(zones.get(wanted.zone, ""))) is not None:
        return its
    may = [usd for zone, usd in price.zones.items() if zone in zones.values()]
    return max(may or price.zones.values(), default=price.spot)
