"""What machines cost on demand, by AWS's own price list; and what images cost."""

import json
from decimal import Decimal

from cryoem_cloud.providers.aws.calls import Calls

__all__ = ["PRICE_LIST", "SNAPSHOT_USD", "on_demand_usd"]

PRICE_LIST = "us-east-1"
"""A region that has AWS's price list (pricing endpoints, AWS General Reference)."""
SNAPSHOT_USD = 0.05
"""A GB of a snapshot for a month, standard tier, us-east-1 and us-west-2 (aws.amazon.com/ebs/
pricing); some regions cost up to a half more. Only blocks that were written count."""


def on_demand_usd(calls: Calls, kind: str, region: str) -> Decimal | None:
    """US dollars for an hour of a machine type in a region; None: it is not sold there.

    `calls` are to a region that has the price list.

    Raises:
        ProviderError: AWS does not say.
    """
    wanted = (
        ("instanceType", kind),
        ("regionCode", region),
        ("operatingSystem", "Linux"),
        ("tenancy", "Shared"),
        ("preInstalledSw", "NA"),
        ("capacitystatus", "Used"),
    )
    found = calls.ask(
        "pricing",
        "get_products",
        ServiceCode="AmazonEC2",
        Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted],
    )["PriceList"]
    if not found:
        return None
    (term,) = json.loads(found[0])["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return Decimal(dimension["pricePerUnit"]["USD"])
