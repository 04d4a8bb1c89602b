"""AWS's price list: what machines cost on demand and reserved."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from cryoem_cloud.model.errors import FormatError, ProviderError
from cryoem_cloud.model.machine_type import Price
from cryoem_cloud.model.usd import usd
from cryoem_cloud.providers.aws.calls import Calls

__all__ = ["PRICE_LIST", "listed", "on_demand_usd"]

PRICE_LIST = "us-east-1"
"""A region that has AWS's price list (pricing endpoints, AWS General Reference)."""

_PRODUCTS = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}
"""A machine that runs, not one that is reserved or stands empty; without anybody's licence."""
_ON_DEMAND = "OnDemand"
_ALL_UPFRONT = {"OfferingClass": "standard", "PurchaseOption": "All Upfront"}
_HOURS_A_YEAR = 8760
_YEARS = {"1yr": 1, "3yr": 3}
_DIGITS = 6
"""Of a dollar, for what is reserved and here by the hour."""


def on_demand_usd(calls: Calls, kind: str, region: str) -> Decimal | None:
    """US dollars for an hour of a machine type in a region; None: it is not sold there.

    `calls` are to a region that has the price list.

    Raises:
        ProviderError: AWS does not say.
    """
    found = listed(calls, region, kind)
    return found[kind].on_demand if kind in found else None


def listed(calls: Calls, region: str, kind: str = "") -> dict[str, Price]:
    """What machine types cost in a region, or one of them: without Spot.

    `calls` are to a region that has the price list.

    Raises:
        ProviderError: AWS does not say, or says what we cannot read.
    """
    wanted = {**_PRODUCTS, "regionCode": region, **({"instanceType": kind} if kind else {})}
    told = calls.pages(
        "pricing",
        "get_products",
        "PriceList",
        ServiceCode="AmazonEC2",
        FormatVersion="aws_v1",
        Filters=[
            {"Type": "TERM_MATCH", "Field": field, "Value": value}
            for field, value in wanted.items()
        ],
    )
    try:
        return dict(_entries(str(each) for each in told))
    except (AttributeError, KeyError, TypeError, ValueError, FormatError) as error:
        raise ProviderError(
            f"AWS's price list of {region} has an entry that we cannot read: {error!r:.200}"
        ) from error


def _entries(told: Iterable[str]) -> Iterator[tuple[str, Price]]:
    """Each the text of a JSON object; blocks of capacity, which are sold ahead, are left out."""
    for text in told:
        entry = json.loads(text)
        attributes, terms = entry["product"]["attributes"], entry["terms"]
        if attributes.get("marketoption", _ON_DEMAND) != _ON_DEMAND or _ON_DEMAND not in terms:
            continue
        (term,) = terms[_ON_DEMAND].values()
        reserved = dict(_reserved(terms.get("Reserved", {}).values()))
        price = Price(
            on_demand=_amount(term, "Hrs"), reserved_1y=reserved.get(1), reserved_3y=reserved.get(3)
        )
        yield str(attributes["instanceType"]), price


def _reserved(terms: Collection[Mapping[str, Any]]) -> Iterator[tuple[int, Decimal]]:
    """Years, and US dollars an hour, of what is paid at once."""
    for term in terms:
        said = term["termAttributes"]
        years = _YEARS.get(said.get("LeaseContractLength", ""))
        if years and _ALL_UPFRONT.items() <= said.items():
            yield years, round(_amount(term, "Quantity") / (_HOURS_A_YEAR * years), _DIGITS)


def _amount(term: Mapping[str, Any], unit: str) -> Decimal:
    (dimension,) = (x for x in term["priceDimensions"].values() if x["unit"] == unit)
    return usd(dimension["pricePerUnit"]["USD"])
