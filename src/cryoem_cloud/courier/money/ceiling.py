"""Whether a hard budget is spent, so that what runs has to end."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from cryoem_cloud.courier.known.tokens import job_of
from cryoem_cloud.courier.money.settling import fleet_of_token
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.life import Life
from cryoem_cloud.model.usd import ZERO, dollars
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["Ceiling", "cost_until"]

_LOG = logging.getLogger(__name__)

_LOOK_S = 30.0
"""Between looks at the budget; a look is a request, and more where the budget is a hard one."""
_SEEN = timedelta(minutes=11)
"""For so long after it was last seen a machine counts as there: it is recorded every ten minutes
at least."""


@dataclass(kw_only=True)
class Ceiling:
    """A project's hard limit, as one errand sees it."""

    log: BudgetLog
    ledger: Ledger
    clock: Clock
    _due_s: float = field(default=float("-inf"))

    def reached(self) -> str:
        """Why the project's machines have to end; "" where they need not, and between looks.

        Raises:
            StoreError: The store does not tell.
        """
        now_s = self.clock.monotonic()
        if now_s < self._due_s:
            return ""
        self._due_s = now_s + _LOOK_S
        try:
            balance, now = self.log.read(), self.clock.now()
        except FormatError as error:  # nothing that runs ends for a record that we cannot read
            _LOG.warning("the budget of %s is not looked at: %s", self.ledger.project, error)
            return ""
        if not balance.hard or balance.limit is None:
            return ""
        month = f"{now:%Y-%m}"
        spent = sum((each.get(month, ZERO) for each in balance.spent.values()), ZERO)
        there = cost_until(now, self._lives(balance.reserved), month, self.ledger.project)
        if spent + there < balance.limit:
            return ""
        return (
            f"stopped as the project's hard budget of {dollars(balance.limit)} for {month} is "
            "spent (cryoem budget)"
        )

    def _lives(self, tokens: Iterable[str]) -> list[Life]:
        """The machines of fleets that hold a reservation: what others have cost is in the log."""
        fleets = {fleet_of_token(token) for token in tokens}
        jobs = {job[1] for job in map(job_of, fleets) if job}
        found = (life for job in sorted(jobs) for life in self.ledger.lives(job))
        return [life for life in found if life.token in fleets]


def cost_until(now: datetime, lives: Iterable[Life], month: str, project: str) -> Decimal:
    """What machines have cost in a month until now, as far as prices are known.

    One that was seen lately counts as there until now, one that was not until it was last seen.
    """
    return sum(
        (
            charge.usd or ZERO
            for life in lives
            for charge in _until(life, now).charges(project)
            if charge.month == month
        ),
        ZERO,
    )


def _until(life: Life, now: datetime) -> Life:
    if life.over or life.last is None or not life.last < now <= life.last + _SEEN:
        return life
    return replace(life, last=now.replace(microsecond=0))
