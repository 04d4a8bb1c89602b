"""Where a job's machines come from, and what they may be."""

from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.planner.static import offers_for
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.provider import Provider

__all__ = ["offers_of", "provider_of", "shape_for"]


def provider_of(means: Means, slip: Slip) -> Provider:
    """Where a job's machines come from: as its submitter wished, or as the settings say now."""
    settings = means.settings(str(slip.project.folder))
    where = slip.job.wish.where or settings.where
    return means.provider(where, settings, slip.project.store)


def offers_of(provider: Provider, slip: Slip, plan: Chosen | None = None) -> tuple[Offer, ...]:
    """What a job's machines may be, in the order in which it is tried."""
    if not provider.sells:
        return (Offer(),)
    return plan.offers if plan else offers_for(slip.job.script, slip.job.wish)


def shape_for(means: Means, slip: Slip) -> Shape:
    """What the machines of a job are like, for its counts, where no plan decides: by the table."""
    provider = provider_of(means, slip)
    return provider.shape(offers_of(provider, slip)[0])
