"""Prices: AWS's price list and Spot's price history, each from a small table.

The figures are examples from memory (list prices of Linux, shared tenancy, as of 2025), not a
catalogue: tests may rely on their order, nobody on their value.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from tests.ec2sim.launching import offered
from tests.ec2sim.pages import page
from tests.ec2sim.quotas import Quotas
from tests.ec2sim.refusals import NotSimulatedError, Refusing

__all__ = ["PriceList", "Prices", "ServiceQuotas"]

_HAVE_THE_LIST = frozenset({"us-east-1", "eu-central-1", "ap-south-1"})
_MOST_A_PAGE = 100

PRICES_OF = datetime(2025, 6, 1, tzinfo=UTC)

# USD per hour on demand, us-east-1.
_ON_DEMAND: Mapping[str, Decimal] = {
    "c5.large": Decimal("0.085"),
    "c6i.4xlarge": Decimal("0.68"),
    "g4dn.xlarge": Decimal("0.526"),
    "g5.xlarge": Decimal("1.006"),
    "c7i.large": Decimal("0.08925"),
    "c7i.8xlarge": Decimal("1.428"),
    "g6.12xlarge": Decimal("4.6016"),
    "g6.xlarge": Decimal("0.8048"),
    "g6e.xlarge": Decimal("1.861"),
    "g6e.4xlarge": Decimal("3.00424"),
    "g6e.12xlarge": Decimal("10.49264"),
    "m5.large": Decimal("0.096"),
    "m5a.large": Decimal("0.086"),
    "m6i.large": Decimal("0.096"),
    "t3.micro": Decimal("0.0104"),
    "t3.small": Decimal("0.0208"),
    "t3.nano": Decimal("0.0052"),
}
_SPOT_SHARE = Decimal("0.4")  # of the price on demand, in a region's first zone
_ZONE_STEP = Decimal("0.01")  # and so much more in each that follows
_UNLISTED = Decimal(1)
_HOURS_A_YEAR = 8760

# What else the list has of each machine type, which a caller has to tell from it by attributes.
_ATTRIBUTES: Sequence[tuple[Mapping[str, str], Decimal]] = (
    ({}, Decimal(1)),
    ({"capacitystatus": "UnusedCapacityReservation"}, Decimal(1)),
    ({"capacitystatus": "AllocatedCapacityReservation"}, Decimal(0)),
    ({"tenancy": "Dedicated"}, Decimal("1.06")),
    ({"operatingSystem": "Windows"}, Decimal("1.8")),
    ({"preInstalledSw": "SQL Std"}, Decimal(3)),
    ({"marketoption": "CapacityBlock"}, Decimal(0)),
)
# Lease, class, way of paying, and the share of the price on demand.
_RESERVED = (
    ("1yr", "standard", "All Upfront", Decimal("0.6")),
    ("1yr", "standard", "No Upfront", Decimal("0.65")),
    ("1yr", "convertible", "All Upfront", Decimal("0.7")),
    ("3yr", "standard", "All Upfront", Decimal("0.4")),
    ("3yr", "convertible", "All Upfront", Decimal("0.5")),
)


class Prices:
    """What machines cost; a test may set Spot's."""

    def __init__(self) -> None:
        self._spot: dict[tuple[str, str], Decimal] = {}

    def set_spot(self, kind: str, zone: str, usd_per_hour: Decimal) -> None:
        """Let Spot cost so much."""
        self._spot[kind, zone] = usd_per_hour

    def on_demand(self, kind: str) -> Decimal:
        """USD per hour."""
        return _ON_DEMAND.get(kind, _UNLISTED)

    def spot(self, kind: str, zone: str) -> Decimal:
        """USD per hour."""
        share = _SPOT_SHARE + _ZONE_STEP * (ord(zone[-1]) - ord("a"))
        return self._spot.get((kind, zone), self.on_demand(kind) * share)

    def spot_history(self, region: str, kinds: Iterable[str]) -> list[Mapping[str, object]]:
        """DescribeSpotPriceHistory's rows: one for each type and zone."""
        return [
            {
                "AvailabilityZone": zone,
                "AvailabilityZoneId": _zone_id(zone, region),
                "InstanceType": kind,
                "ProductDescription": "Linux/UNIX",
                "SpotPrice": f"{self.spot(kind, zone):.6f}",
                "Timestamp": PRICES_OF,
            }
            for kind in list(kinds) or sorted(_ON_DEMAND)
            for zone in offered(kind, region)
        ]

    def products(self, filters: Iterable[Mapping[str, str]]) -> list[str]:
        """GetProducts' price list: EC2's machine types, as far as all filters let them.

        Raises:
            NotSimulatedError: A filter is none that compares, or is of an attribute not simulated.
        """
        region = next((x["Value"] for x in filters if x["Field"] == "regionCode"), "us-east-1")
        found = [each for kind in sorted(_ON_DEMAND) for each in _products(kind, region)]
        for each in filters:
            if each["Type"] != "TERM_MATCH" or each["Field"] not in _attributes("", "", {}):
                raise NotSimulatedError(f"the filter {each}")
            found = [
                product
                for product in found
                if product["product"]["attributes"].get(each["Field"]) == each["Value"]
            ]
        return [json.dumps(product) for product in found]


def _zone_id(zone: str, region: str) -> str:
    zones = RegionsAndZonesBackend.zones[region]
    return next(each.zone_id for each in zones if each.name == zone)


def _attributes(kind: str, region: str, other: Mapping[str, str]) -> dict[str, str]:
    return {
        "instanceType": kind,
        "regionCode": region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        **other,
    }


def _products(kind: str, region: str) -> Iterator[Mapping[str, Any]]:
    """All that the list has of a machine type in a region."""
    for number, (other, share) in enumerate(_ATTRIBUTES):
        sku = f"SIM{kind.replace('.', '').upper()}{number}"
        usd = _ON_DEMAND[kind] * share
        terms: dict[str, Any] = {"OnDemand": _term(sku, "JRTCKXETXF", {"Hrs": usd}, {})}
        if not other:
            terms["Reserved"] = _reserved(sku, usd)
        yield {
            "serviceCode": "AmazonEC2",
            "product": {
                "productFamily": "Compute Instance",
                "sku": sku,
                "attributes": _attributes(kind, region, other),
            },
            "terms": terms,
        }


def _reserved(sku: str, usd: Decimal) -> Mapping[str, Any]:
    terms: dict[str, Any] = {}
    for number, (lease, kind, paying, share) in enumerate(_RESERVED):
        whole = usd * share * _HOURS_A_YEAR * int(lease[0])
        at_once = paying == "All Upfront"
        amounts = {"Hrs": Decimal(0) if at_once else usd * share}
        said = {"LeaseContractLength": lease, "OfferingClass": kind, "PurchaseOption": paying}
        terms.update(
            _term(sku, f"R{number}", {**amounts, **({"Quantity": whole} if at_once else {})}, said)
        )
    return terms


def _term(
    sku: str, offer: str, amounts: Mapping[str, Decimal], said: Mapping[str, str]
) -> Mapping[str, Any]:
    dimensions = {
        f"{sku}.{offer}.{unit}": {"unit": unit, "pricePerUnit": {"USD": f"{usd:.10f}"}}
        for unit, usd in amounts.items()
    }
    term = {
        "sku": sku,
        "effectiveDate": f"{PRICES_OF:%Y-%m-%dT%H:%M:%SZ}",
        "priceDimensions": dimensions,
        "termAttributes": said,
    }
    return {f"{sku}.{offer}": term}


class PriceList(Refusing):
    """One request to the price list."""

    def __init__(self, prices: Prices) -> None:
        super().__init__("pricing")
        self.automated_parameter_parsing = True
        self._prices = prices

    def get_products(self) -> ActionResult:
        """The products that fit."""
        params: Mapping[str, Any] = self._get_params()
        if params.get("ServiceCode") != "AmazonEC2":
            raise NotSimulatedError(f"prices of {params.get('ServiceCode')}")
        if self.region not in _HAVE_THE_LIST:
            raise NotSimulatedError(f"a price list in {self.region}: AWS has none there")
        found = self._prices.products(params.get("Filters", []))
        shown, more = page(found, params, most=_MOST_A_PAGE)
        return ActionResult({"FormatVersion": "aws_v1", "PriceList": shown, **more})


class ServiceQuotas(Refusing):
    """One request to Service Quotas."""

    def __init__(self, quotas: Quotas) -> None:
        super().__init__("service-quotas")
        self.automated_parameter_parsing = True
        self._quotas = quotas

    def get_service_quota(self) -> ActionResult:
        """One quota."""
        code, service = self._get_param("QuotaCode"), self._get_param("ServiceCode")
        return ActionResult({"Quota": self._quotas.get(service, code, self.region)})

    def get_aws_default_service_quota(self) -> ActionResult:
        """The same: an account here has what it was given."""
        return self.get_service_quota()

    def list_service_quotas(self) -> ActionResult:
        """All quotas of a service that are simulated."""
        quotas = self._quotas.listed(self._get_param("ServiceCode"), self.region)
        return ActionResult({"Quotas": quotas})

    def list_requested_service_quota_change_history_by_quota(self) -> ActionResult:
        """What was asked for of one quota."""
        code = self._get_param("QuotaCode")
        found = [each for each in self._quotas.requested if each["QuotaCode"] == code]
        return ActionResult({"RequestedQuotas": found})
