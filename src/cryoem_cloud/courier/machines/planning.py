"""Decides, once for a job, which machines it gets where its provider sells several kinds."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.errors import (
    CryoemError,
    ProviderDeniedError,
    ProviderError,
    ProviderUnreachableError,
    QuotaError,
    StoreDeniedError,
    StoreUnreachableError,
)
from cryoem_cloud.model.footing import Footing
from cryoem_cloud.model.measured import Measured
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.plan import Limits, Transfer
from cryoem_cloud.model.units import size_of
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.catalog.tables import store_prices
from cryoem_cloud.planner.decide import Ground, decided, fixed_count, limits_of
from cryoem_cloud.planner.learning import kinds_of, taught
from cryoem_cloud.planner.line import Line, line_by
from cryoem_cloud.planner.static import offers_for
from cryoem_cloud.planner.terms import terms_in
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.provider import LIMIT_S, Provider
from cryoem_cloud.ports.view import View
from cryoem_cloud.settings import Settings, environment
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.sellers import seller_of

__all__ = ["Planning"]

_LOG = logging.getLogger(__name__)

_HOUR_S = 3600.0
_PASSES = (
    StoreUnreachableError,
    StoreDeniedError,
    ProviderUnreachableError,
    ProviderDeniedError,
)
"""What says nothing about the job; it is planned once that is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Plans one job, before it has tasks: these are made for machines of one shape."""

    means: Means
    slip: Slip
    records: JobRecords
    provider: Provider
    settings: Settings

    def chosen(self, view: View, missing_bytes: Callable[[], int]) -> Chosen | None:
        """What was decided, by whichever courier did so first; None: the table by program holds.

        `view` has what the job reads, of which the store lacks so many bytes.

        Raises:
            QuotaError: The account may start none of what the job could run on, asked just now.
        """
        if not self.provider.sells:
            return None
        if (before := self.records.plan()) or self.records.tasks(0):
            return before
        try:
            found = self._decide(view, missing_bytes)
        except (*_PASSES, QuotaError):
            raise
        except (CryoemError, OSError) as error:
            found = str(error)
        if isinstance(found, str):
            _LOG.warning("job %d: no plan, machines by the table: %s", self.records.number, found)
            return None
        self.records.put_plan(found)
        return self.records.plan()

    def shape(self, chosen: Chosen, before: Shape) -> Shape:
        """Of the chosen machines, for programs' counts; all else as it was before."""
        found = self.provider.shape(chosen.offers[0])
        return replace(before, cores=found.cores, memory_gib=found.memory_gib, gpus=found.gpus)

    def _decide(self, view: View, missing_bytes: Callable[[], int]) -> Chosen | str:
        job, settings = self.slip.job, self.settings
        work = self.means.application(job.application).work(job, view)
        if work is None:
            return "nobody knows what it computes"
        region = self.provider.region
        prices = self.means.catalogue(region, self.slip.project.folder)
        line = self._line()
        sold_by = seller_of(self.slip.project.store, env=environment())
        ground = Ground(
            prices=prices,
            transfer=self._transfer(work, missing_bytes(), line),
            line=line.told,
            terms=terms_in(region, store_prices(sold_by, region).egress_gb),
            table=offers_for(job.script, job.wish),
            limit_s=job.wish.hours * _HOUR_S or LIMIT_S,
            rates=taught(self._learnt(), kinds_of(prices)),
        )
        limits = limits_of(
            job.wish,
            count=fixed_count(job.wish, settings.count),
            most=settings.max_machines,
            whole=bool(job.after),
        )
        found = self._on_footing(work, limits, ground)
        if isinstance(found, str) or job.wish.machine:
            return found
        return self._that_there_are(found)

    def _on_footing(self, work: Work, limits: Limits, ground: Ground) -> Chosen | str:
        """Within what the account may start; that this is nothing counts only if it is told now."""
        region, store = self.provider.region, self.slip.project.store

        def within(there: Footing | None) -> Chosen | str:
            if there is None:
                return decided(work, limits, ground)
            sold = ground.prices.within(region, there.zones.values())
            allowed = replace(limits, allowances=there.allowances)
            return decided(work, allowed, replace(ground, prices=sold))

        try:
            return within(self.means.footing(region, store))
        except QuotaError:
            return within(self.means.footing_now(region, store))

    def _learnt(self) -> tuple[Measured, ...]:
        return self.means.learnt.refreshed(self.records.store, self.records.project)

    def _line(self) -> Line:
        limit = self.settings.limit_rate
        return line_by(
            self.means.lines.of(self.slip.project.store),
            self.means.clock.now(),
            limit_bytes_s=size_of(limit) if limit else None,
        )

    def _transfer(self, work: Work, up_bytes: int, line: Line) -> Transfer:
        essential = self.slip.job.wish.essential
        return Transfer(
            up_bytes=up_bytes,
            down_bytes=work.essential_bytes if essential else work.output_bytes,
            line_bytes_s=line.up_bytes_s,
            down_bytes_s=line.down_bytes_s,
        )

    def _that_there_are(self, chosen: Chosen) -> Chosen | str:
        """Without types that the provider does not know, or knows otherwise than the catalogue."""
        first = chosen.offers[0].kinds[0]
        shape = self._known(first)
        if shape is None:
            return f"{self.provider.name} has no {first}"
        offers = [
            replace(offer, kinds=tuple(kind for kind in offer.kinds if self._as(shape, kind)))
            for offer in chosen.offers
        ]
        return replace(chosen, offers=tuple(offer for offer in offers if offer.kinds))

    def _as(self, shape: Shape, kind: str) -> bool:
        known = self._known(kind)
        return known is not None and (known.cores, known.gpus) == (shape.cores, shape.gpus)

    def _known(self, kind: str) -> Shape | None:
        try:
            return self.provider.shape(Offer((kind,)))
        except _PASSES:
            raise
        except ProviderError:
            return None
