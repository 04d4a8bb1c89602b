"""What a job may cost, before it is submitted: by a plan, and at most."""

from decimal import Decimal

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.cli.jobs.grounds import job_of, line_to, on_footing, transfer_of
from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.courier.money.pricing import estimate_of, planned_of
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.usd import dollars
from cryoem_cloud.planner.decide import Ground, decided, fixed_count, limits_of
from cryoem_cloud.planner.learning import kinds_of, taught
from cryoem_cloud.planner.static import offers_for
from cryoem_cloud.planner.terms import terms_in
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.ports.provider import LIMIT_S
from cryoem_cloud.settings import Places, Settings
from cryoem_cloud.wiring.catalogue import catalogue, region_here
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.rates import rates_by
from cryoem_cloud.wiring.storage import prices_at

__all__ = ["told"]

_HOUR_S = 3600.0


def told(
    asked: Asked, project: Project, settings: Settings, places: Places, *, above: Decimal
) -> str:
    """What it may cost, in words, where that is above a sum or not known; "" else."""
    here = (asked.wish.where or settings.where) == "local"
    plan = None if here else _plan(asked, project, settings, places)
    offers = (Offer(),) if here else offers_for(asked.script, asked.wish)
    most = estimate_of(
        plan.offers[:1] if plan else offers,
        rates_by(places, settings),
        where=asked.wish.where or settings.where,
        region=region_here(places),
        count=plan.count if plan else fixed_count(asked.wish, settings.count) or 1,
        lasts_s=asked.wish.hours * _HOUR_S or LIMIT_S,
    )
    if most is None:
        return "" if here else "nobody knows what it may cost: no price is known"
    likely = planned_of(most, plan, plan.offers[0]) if plan else most
    if likely.usd <= above:
        return ""
    if likely.sure:
        return f"it may cost {likely.told()}"
    hours = most.lasts_s / _HOUR_S
    return (
        f"it may cost {likely.told()}; never more than {dollars(most.usd)}, as its machines end "
        f"after {hours:g} h"
    )


def _plan(asked: Asked, project: Project, settings: Settings, places: Places) -> Chosen | None:
    """What the courier will decide, as far as this computer can tell; None: it cannot."""
    region = region_here(places)
    try:
        job = job_of(asked, project)
        work = application_named(job.application).work(job, Here(project.folder))
        if work is None:
            return None
        sold = catalogue(places, SystemClock().now(), regions=(region,), project=project.folder)
        prices, there = on_footing(sold, project.store)
        line = line_to(project.store, settings)
        transfer, _ = transfer_of(
            job, work, line, project=project, folder=project.folder, settings=settings
        )
        ground = Ground(
            prices=prices,
            transfer=transfer,
            terms=terms_in(region, prices_at(project.store, places).egress_gb),
            table=offers_for(job.script, job.wish),
            limit_s=job.wish.hours * _HOUR_S or LIMIT_S,
            rates=taught(Learnt(places.cache / "learnt").known(project.name), kinds_of(prices)),
        )
        limits = limits_of(
            job.wish,
            count=fixed_count(job.wish, settings.count),
            most=settings.max_machines,
            whole=bool(job.after),
            allowances=tuple(each for footing in there for each in footing.allowances),
        )
        found = decided(work, limits, ground)
    except (CryoemError, OSError):  # said by the courier, which then takes machines by the table
        return None
    return found if isinstance(found, Chosen) else None
