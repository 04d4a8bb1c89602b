"""Sees to it that what ends fleets without us stays there."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.launching import Launch

__all__ = ["Arming"]

_LOG = logging.getLogger(__name__)

_LOOK_S = 600.0
"""Between looks at a fleet's timers."""
_SINCE = timedelta(minutes=10)
"""So old may the last push be of a `lapse` that is not there; the next one may come as late."""


@dataclass
class Arming:
    """Knows which fleets' timers were there lately; couriers call it, one at a time a fleet."""

    calls: Calls
    account: Account
    clock: Clock
    _looked_s: dict[str, float] = field(default_factory=dict)

    def launched(self, token: str) -> None:
        """Note that they are there now."""
        self._looked_s[token] = self.clock.monotonic()

    def look_after(self, order: Order) -> None:
        """Put back what somebody has deleted; every 10 min, one call where nothing is missing."""
        now_s = self.clock.monotonic()
        if now_s - self._looked_s.get(order.token, float("-inf")) < _LOOK_S:
            return
        self._looked_s[order.token] = now_s
        then = datetime.now(UTC) - _SINCE
        try:
            Launch(calls=self.calls, account=self.account, order=order, now=then).arm()
        except ProviderError as error:  # it is deleted just now, or AWS is busy
            _LOG.warning("%s is not looked after: %s", order.token, error)
