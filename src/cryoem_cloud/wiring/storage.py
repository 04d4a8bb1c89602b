"""What the store of a project costs, as the catalogue tells it."""

from cryoem_cloud.model.storage_prices import StoragePrices
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.ports.store import Store
from cryoem_cloud.providers.aws.account import accounts
from cryoem_cloud.settings import Places, environment
from cryoem_cloud.stores.sellers import seller_of
from cryoem_cloud.wiring.catalogue import region_here

__all__ = ["prices_at", "prices_of", "storage_prices_of"]

_CLASSED = "aws"
"""Who sells stores that keep objects in classes."""


def prices_of(store: Store, places: Places) -> StoragePrices:
    """List prices of a store; all 0 where nobody asks money that we know of."""
    return tables.store_prices(store.properties.sold_by, _region(store.url, places))


def prices_at(url: str, places: Places) -> StoragePrices:
    """The same, before the store is opened."""
    return tables.store_prices(seller_of(url, env=environment()), _region(url, places))


def storage_prices_of(store: Store, places: Places) -> StoragePrices | None:
    """The same of a store with classes; None for one that is not Amazon's."""
    return prices_of(store, places) if store.properties.sold_by == _CLASSED else None


def _region(url: str, places: Places) -> str:
    """Of the account that was joined whose store it is, else where this user's machines are."""
    near = (each for each in accounts(places.config) if each.store.rstrip("/") == url.rstrip("/"))
    found = next(near, None)
    return found.region if found else region_here(places)
