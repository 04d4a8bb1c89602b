"""What a job's fleets may cost, from what is offered."""

from collections.abc import Iterable
from dataclasses import replace

from cryoem_cloud.model.charge import Rented
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.estimate import Estimate
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.ports.rates import Rates
from cryoem_cloud.settings import Settings

__all__ = ["PROCESS", "estimate_of", "is_paid", "planned_of"]

PROCESS = "process"
"""What machines of this computer are."""
_HOUR_S = 3600


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


def planned_of(most: Estimate, chosen: Chosen, offer: Offer) -> Estimate:
    """The plan's P90 of a fleet that costs `most` if it is there as long as it may be."""
    lasts_s = min(most.lasts_s, chosen.paid_s)
    likely = replace(most, lasts_s=lasts_s, sure=lasts_s == most.lasts_s)
    if offer != chosen.offers[0] or likely.sure:
        return likely
    an_hour = chosen.usd_p90 * _HOUR_S / (most.count * lasts_s)
    return replace(likely, kind=offer.kinds[0], usd_per_hour=an_hour)
