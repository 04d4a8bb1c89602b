"""Foresees, from what a job's machines have made so far, how long it will take yet."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.learning.working import expected_s, work_of
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.forecast import Forecast
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.forecast import left_s
from cryoem_cloud.ports.application import Advance, Application
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Outlook", "outlook_of"]

_LOG = logging.getLogger(__name__)

_NS = 1e-9


@dataclass(kw_only=True)
class Outlook:
    """Follows one job. `told` gets a forecast whenever a step more is done: an iteration, an item.

    When steps were done is told by their files' times, of the machines' clocks. `work` and
    `expected` are asked once, when the first step is there; what they do not know, or an
    application that breaks, means no forecast, and no trouble.
    """

    job: Job
    application: Application
    work: Callable[[], Work | None]
    expected: Callable[[Work], Spread | None]
    told: Callable[[Forecast], None]
    clock: Clock
    _sealed: dict[str, int] = field(default_factory=dict)
    """When each was written, in ns."""
    _known: tuple[Work, Spread | None] | None = None
    _blind: bool = False

    def hears(self, page: Page) -> None:
        """Look at what a machine has made."""
        if self._blind:
            return
        try:
            found = {
                entry.path: entry.mtime_ns
                for entry in page.entries
                if entry.kind is Kind.FILE and self.application.seals(self.job, entry.path)
            }
            self._sealed |= found
            if found and (forecast := self._forecast()):
                self.told(forecast)
        except (CryoemError, OSError) as error:
            _LOG.warning("job %d: nothing is foreseen: %s", self.job.number, error)
            self._blind = True

    def _forecast(self) -> Forecast | None:
        if self._known is None:
            work = self.work()
            if work is None:
                self._blind = True
                return None
            self._known = work, self.expected(work)
        first_ns, last_ns = min(self._sealed.values()), max(self._sealed.values())
        begin = self._advance({p for p, ns in self._sealed.items() if ns == first_ns})
        now = self._advance(self._sealed)
        if begin is None or now is None or now.share <= begin.share or last_ns <= first_ns:
            return None
        at = self.clock.now()
        pace_s = (last_ns - first_ns) * _NS / (now.share - begin.share)
        return Forecast(
            at=at,
            left_s=left_s(
                self._known[1],
                pace_s=pace_s,
                share=now.share,
                since_s=max(0.0, at.timestamp() - last_ns * _NS),
            ),
            told=now.told,
        )

    def _advance(self, sealed: Collection[str]) -> Advance | None:
        return self.application.advance(self.job, self._known[0], sealed) if self._known else None


def outlook_of(means: Means, slip: Slip, records: JobRecords, desk: CardDesk) -> Outlook:
    """The outlook for a job whose machines are followed."""
    return Outlook(
        job=slip.job,
        application=means.application(slip.job.application),
        work=lambda: work_of(means, slip, records),
        expected=lambda work: expected_s(means, slip, records, work),
        told=desk.foreseen,
        clock=means.clock,
    )
