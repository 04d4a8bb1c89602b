"""What a machine's agent writes into the ledger of itself."""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryoem_cloud.model.charge import Sighting, whole
from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["Sighted"]

_LOG = logging.getLogger(__name__)

_AGAIN_S = 600.0
"""Between two records: what is lost of a machine that is taken while nobody else looks."""


@dataclass
class Sighted:
    """Keeps the ledger of the machine that it runs on: from its start, by its monotonic clock.

    `myself` is all that does not change, `limit_s` how long the job's machines may be there as of
    now. A store that is away keeps nobody from work.
    """

    ledger: Ledger
    myself: Sighting
    limit_s: Callable[[], float]
    clock: Clock
    _since: datetime = field(init=False)
    _since_s: float = field(init=False)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._since, self._since_s = whole(self.clock.now()), self.clock.monotonic()

    def start(self) -> None:
        """Record now, and every ten minutes in the background, that the machine is there."""
        threading.Thread(target=self._run, name="ledger", daemon=True).start()

    def look(self) -> None:
        """Record that the machine is there."""
        self._put(ended=False)

    def end(self) -> None:
        """Record that the machine is about to leave."""
        self._stopped.set()
        self._put(ended=True)

    def _run(self) -> None:
        self.look()
        while not self._stopped.wait(_AGAIN_S):
            self.look()

    def _put(self, *, ended: bool) -> None:
        lasts, limit_s = int(self.clock.monotonic() - self._since_s), self.limit_s()
        seen = replace(
            self.myself,
            since=self._since,
            until=self._since + timedelta(seconds=lasts),
            ended=ended,
            limit_s=0 if math.isinf(limit_s) else int(limit_s),
        )
        try:
            self.ledger.put(seen, seen.machine)
        except StoreError as error:
            _LOG.warning("the ledger is not told of this machine: %s", error)
