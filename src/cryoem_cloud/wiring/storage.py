"""What the store of a project costs, as the catalogue tells it."""

from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.storage_prices import StoragePrices
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places
from cryoem_cloud.wiring.catalogue import region_here

__all__ = ["storage_prices_of"]

_FIRST = "us-east-1"
"""Whose prices stand for a region that the tables do not have."""


def storage_prices_of(store: Store, places: Places) -> StoragePrices | None:
    """List prices of the region of this user's account; None for a store that is not Amazon's."""
    if not store.url.startswith("s3:") or not store.properties.storage_usd_per_gb:
        return None
    try:
        return tables.storage_prices(region_here(places))
    except UsageError:
        return tables.storage_prices(_FIRST)
