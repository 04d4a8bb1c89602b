"""What machines and images cost."""

import json

from cryoem_cloud.providers.aws.calls import Calls

__all__ = ["SNAPSHOT_USD", "usd_per_hour"]

SNAPSHOT_USD = 0.05
"""A GB of a snapshot for a month, standard tier, us-east-1 and us-west-2 (aws.amazon.com/ebs/
pricing); some regions cost up to a half more. Only blocks that were written count."""


def usd_per_hour(prices: Calls, kind: str, region: str) -> float | None:
    """What a machine type costs on demand, with Linux; None where the region does not sell it.

    `prices` are calls to a region that has AWS's price list.
    """
    terms = (
        ("instanceType", kind),
        ("regionCode", region),
        ("operatingSystem", "Linux"),
        ("tenancy", "Shared"),
        ("preInstalledSw", "NA"),
        ("capacitystatus", "Used"),
    )
    found = prices.ask(
        "pricing",
        "get_products",
        ServiceCode="AmazonEC2",
        Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in terms],
    )["PriceList"]
    if not found:
        return None
    (term,) = json.loads(found[0])["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return float(dimension["pricePerUnit"]["USD"])
