"""Prices: AWS's price list and Spot's price history, each from a small table.

The figures are examples from memory (list prices of Linux, shared tenancy, as of 2025), not a
catalogue: tests may rely on their order, nobody on their value.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from moto.core.responses import ActionResult

from tests.ec2sim.launching import offered
from tests.ec2sim.quotas import Quotas
from tests.ec2sim.refusals import NotSimulatedError, Refusing

__all__ = ["PriceList", "Prices", "ServiceQuotas"]

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
                "InstanceType": kind,
                "ProductDescription": "Linux/UNIX",
                "SpotPrice": f"{self.spot(kind, zone):.6f}",
                "Timestamp": PRICES_OF,
            }
            for kind in list(kinds) or sorted(_ON_DEMAND)
            for zone in offered(kind, region)
        ]

    def products(self, filters: Iterable[Mapping[str, str]]) -> list[str]:
        """GetProducts' price list: EC2 on demand, of the types that the filters name."""
        wanted = {each["Field"]: each["Value"] for each in filters}
        region = wanted.get("regionCode", "us-east-1")
        kinds = [wanted["instanceType"]] if "instanceType" in wanted else sorted(_ON_DEMAND)
        return [
            json.dumps(_product(kind, region, _ON_DEMAND[kind]))
            for kind in kinds
            if kind in _ON_DEMAND
        ]


def _product(kind: str, region: str, price: Decimal) -> Mapping[str, object]:
    sku = f"SIM{kind.replace('.', '').upper()}"
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": f"{price:.10f}"}}
    term = {
        "sku": sku,
        "effectiveDate": f"{PRICES_OF:%Y-%m-%dT%H:%M:%SZ}",
        "priceDimensions": {f"{sku}.JRTCKXETXF.6YS6EN2CT7": dimension},
    }
    return {
        "serviceCode": "AmazonEC2",
        "product": {
            "productFamily": "Compute Instance",
            "sku": sku,
            "attributes": {
                "instanceType": kind,
                "regionCode": region,
                "operatingSystem": "Linux",
                "tenancy": "Shared",
                "preInstalledSw": "NA",
                "capacitystatus": "Used",
            },
        },
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
    }


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
        return ActionResult(
            {"FormatVersion": "aws_v1", "PriceList": self._prices.products(params["Filters"])}
        )


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
