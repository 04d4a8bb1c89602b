"""What a job's fleets may cost, from what is offered."""

from collections.abc import Iterable

from cryoem_cloud.model.charge import Rented
from cryoem_cloud.model.estimate import Estimate
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.ports.rates import Rates
from cryoem_cloud.settings import Settings

__all__ = ["PROCESS", "estimate_of", "is_paid"]

PROCESS = "process"
"""What machines of this computer are."""


def is_paid(provider: Provider, settings: Settings) -> bool:
    """Whether a provider's machines may cost anything."""
    return provider.sells or bool(settings.local_price)


def estimate_of(
    offers: Iterable[Offer],
    rates: Rates,
    *,
    where: str,
    region: str,
    count: int,
    lasts_s: float,
    disk_gib: int = 0,
) -> Estimate | None:
    """The dearest fleet that may be bought; None where no price is known."""
    known = []
    for offer in offers:
        market = offer.market.value if offer.market else ""
        for kind in offer.kinds or (PROCESS,):
            wanted = Rented(kind=kind, where=where, region=region, market=market, disk_gib=disk_gib)
            if rate := rates(wanted):
                name = kind if offer.kinds else ""
                known.append(
                    Estimate.at(rate, kind=name, market=market, count=count, lasts_s=lasts_s)
                )
    return max(known, key=lambda each: each.usd, default=None)
