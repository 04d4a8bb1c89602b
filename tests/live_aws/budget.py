"""What the run may cost at most, said before anything is made."""

import json
import math
from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.providers.aws.calls import Calls
from tests.live_aws.report import FailedError

__all__ = ["MAX_HOURS", "Budget", "budget_for"]

MAX_HOURS = Decimal(1)
"""The job's limit; the machine's end is planned 10 minutes later."""
_GRACE_HOURS = Decimal(1) / 6
_ADDRESS_USD_PER_HOUR = Decimal("0.005")
"""A public IPv4 address (Amazon VPC pricing, 2024)."""
_DISK_GIB, _DISK_USD_PER_GIB_MONTH = 30, Decimal("0.08")
"""gp3 (Amazon EBS pricing, us-east-1); a month has 730 hours."""
_REQUESTS_USD = Decimal("0.01")
"""S3's, KMS' and a day of the agent's archive, all generously."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The price on demand of the machine, in USD an hour, and what all costs at most."""

    machine_usd_per_hour: Decimal

    def cents(self, hours: Decimal) -> int:
        """At most, if the machine lasts so long; started cents count."""
        disk = _DISK_GIB * _DISK_USD_PER_GIB_MONTH / 730
        usd = hours * (self.machine_usd_per_hour + _ADDRESS_USD_PER_HOUR + disk) + _REQUESTS_USD
        return math.ceil(usd * 100)

    @property
    def worst_cents(self) -> int:
        """Where the machine hangs, this program is killed, and AWS ends the machine by itself."""
        return self.cents(MAX_HOURS + _GRACE_HOURS)


def budget_for(prices: Calls, kind: str, region: str) -> Budget:
    """As AWS's price list has the machine; `prices` are calls to a region that has the list.

    Raises:
        FailedError: It has no such machine there.
    """
    fields = {
        "instanceType": kind,
        "regionCode": region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    found = prices.ask(
        "pricing",
        "get_products",
        ServiceCode="AmazonEC2",
        Filters=[{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in fields.items()],
    )["PriceList"]
    if not found:
        raise FailedError(f"AWS's price list has no {kind} in {region}")
    (term,) = json.loads(found[0])["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return Budget(Decimal(dimension["pricePerUnit"]["USD"]))
