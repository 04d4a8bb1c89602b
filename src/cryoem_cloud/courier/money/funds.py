"""Whether a fleet may be ordered: its user agrees to what it may cost, and the budget allows it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.money.overdue import settle_overdue
from cryoem_cloud.courier.money.pricing import estimate_of, planned_of
from cryoem_cloud.model.charge import whole
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.errors import BudgetError, FormatError
from cryoem_cloud.model.estimate import Estimate
from cryoem_cloud.model.usd import usd
from cryoem_cloud.ports.provider import Order, Provider
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.budget import BudgetLog, approve, approved
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["Funds", "Share"]

_LOG = logging.getLogger(__name__)

_LOOK_S = 15.0
"""Between looks at the store, for a budget that was raised or somebody's consent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A fleet's part in its job's machines: these are `most`, `others` of them `beside` it.

    Fleets are named by their tokens.
    """

    most: int
    others: int = 0
    beside: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Funds:
    """Grants one job's fleets, one after the other. `ask` shows a question where users look.

    Asked is by what its `plan` expects, where it has one; reserved is the most that is possible.
    """

    means: Means
    slip: Slip
    records: JobRecords
    ask: Callable[[str], None]
    plan: Callable[[], Chosen | None] = lambda: None
    _granted: set[str] = field(default_factory=set)
    _why: str = ""
    _of: str = ""
    """The fleet that this is said of."""
    _due_s: float = field(default=float("-inf"))
    _asked: bool = False
    _news: str | None = None

    def wait_for(self, order: Order, provider: Provider, share: Share | None = None) -> str:
        """Why the fleet may not be ordered yet; "" where it may, and its reservation stands.

        `share` is its part in the job's machines (None: it is all of them).

        Raises:
            StoreError: The store does not tell; nothing may be ordered then.
        """
        if order.token in self._granted:
            return ""
        now_s = self.means.clock.monotonic()
        here = self.means.spool.approved(self.slip.name)
        if now_s >= self._due_s or self._of != order.token or (here and self._asked):
            self._due_s, self._of = now_s + _LOOK_S, order.token
            share = share or Share(most=order.count)
            self._why = self._decide(order, provider, share, here=here)
            self._granted |= set() if self._why else {order.token}
            self._news = None if self._why else self._news or ""
        return self._why

    def news(self) -> str | None:
        """What to say of a fleet that was just granted, maybe nothing; None: none was."""
        said, self._news = self._news, None
        return said

    def _decide(self, order: Order, provider: Provider, share: Share, *, here: bool) -> str:
        settings = self.means.settings(str(self.slip.project.folder))
        estimate = estimate_of(
            (order.offer,),
            self.means.rates(settings),
            where=provider.name,
            region=provider.region,
            count=share.most,
            lasts_s=order.limit_s,
            disk_gib=order.disk_gib,
        )
        if estimate is None and not provider.sells:
            return ""
        plan = self.plan() if provider.sells else None
        likely = planned_of(estimate, plan, order.offer) if estimate and plan else estimate
        above = self._threshold(settings)
        if above is not None and not self._agreed(likely, above, here=here):
            return self._question(likely, above)
        try:
            return self._reserve(order, estimate, share)
        except FormatError as error:  # of a newer version above all: what it says may forbid this
            return f"waits, as the project's budget cannot be read: {error}"

    def _threshold(self, settings: Settings) -> Decimal | None:
        """What costs more is asked about: the settings' sum, or the job's own."""
        asked = [usd(settings.ask_above)] if settings.ask_above else []
        wished = self.slip.job.wish.budget_usd
        return min([*asked, wished] if wished else asked, default=None)

    def _agreed(self, estimate: Estimate | None, above: Decimal, *, here: bool) -> bool:
        """Whether it is little, or somebody agrees to it, here or on another computer."""
        if estimate is not None and estimate.usd <= above:
            return True
        records = self.records
        if here:
            by = self.slip.job.submitter
            approve(records.store, records.project, records.number, by=by)
            return True
        return approved(records.store, records.project, records.number)

    def _question(self, estimate: Estimate | None, above: Decimal) -> str:
        number = self.records.number
        what = estimate.told() if estimate else "nobody knows how much: no price is known"
        if not self._asked:
            self._asked = True
            self.ask(
                f"cryoem: job {number} needs approval, as it may cost more than ${above:f}\n"
                f"cryoem: {what}\n"
                f"cryoem: cryoem approve {number} lets it go on, cryoem stop {number} ends it\n"
            )
        return f"needs approval (cryoem approve {number}): {what}"

    def _reserve(self, order: Order, estimate: Estimate | None, share: Share) -> str:
        """Reserve what the fleet may cost; why it waits where that does not fit.

        It is taken from what a fleet beside it holds for all that are to come; where none does, it
        is reserved with these.
        """
        log = BudgetLog(self.records.store, self.records.project)
        if estimate is None:
            if log.read().limit is None:
                return ""
            kinds = ", ".join(order.offer.kinds)
            return f"waits, as the project has a budget, and no price is known of {kinds}"
        now = self.means.clock.now()
        until = whole(now + timedelta(seconds=order.limit_s))
        part = replace(estimate, count=order.count).months(now)
        for fleet in share.beside:
            if log.share(order.token, part, of=fleet, until=until, by=order.owner):
                return ""
        months = replace(estimate, count=max(order.count, share.most - share.others)).months(now)
        try:
            balance = log.reserve(order.token, months, until=until, by=order.owner)
        except BudgetError as error:
            ledger = Ledger(self.records.store, self.records.project)
            overdue = settle_overdue(log, ledger, now, self.means.providers)
            if overdue.freed:
                self._due_s = float("-inf")
            return "; ".join((f"waits: {error}", *overdue.told()))
        self._news = balance.warning(f"{now:%Y-%m}")
        if self._news:
            _LOG.warning("job %d: %s", self.records.number, self._news)
        return ""
