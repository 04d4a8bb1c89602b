"""What is charged beside machines, from the package's tables."""

from decimal import Decimal

from cryoem_cloud.model.plan import Terms
from cryoem_cloud.model.storage_prices import GB
from cryoem_cloud.planner.catalog import tables

__all__ = ["terms_in"]


def terms_in(region: str, egress_usd_per_gb: Decimal) -> Terms:
    """Of a region; what the tables do not have of it is told of the first one that they have."""
    kept = tables.storage_prices(region if region in tables.REGIONS else tables.REGIONS[0])
    return Terms(
        egress_usd_per_gb=egress_usd_per_gb,
        disk_usd_per_gib_month=kept.gp3_gb_month,
        store_usd_per_gib_month=kept.month_usd(GB),
    )
