"""What one courier writes into the ledger of a job's machines."""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from cryoem_cloud.model.charge import Rate, Rented, Sighting, Witness, whole
from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.ports.rates import Rates
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["AGAIN_S", "Books"]

_LOG = logging.getLogger(__name__)

AGAIN_S = 300.0
"""Between two records of a machine that is there."""
_ENDED = frozenset({State.LEFT, State.GONE})


@dataclass(kw_only=True)
class Books:
    """Keeps the ledger of a provider's machines of one project, as one courier sees them.

    Machines of which no price is known are left out where the provider sells none: they are this
    computer's. A store that is away keeps nobody from anything: it is told later.
    """

    ledger: Ledger
    who: str
    where: str
    sells: bool
    rates: Rates
    clock: Clock
    _first: dict[str, datetime] = field(default_factory=dict)
    _last: dict[str, datetime] = field(default_factory=dict)
    """When a machine that had ended was first seen to have."""
    _due_s: dict[str, float] = field(default_factory=dict)
    _alive: set[str] = field(default_factory=set)
    _over: set[str] = field(default_factory=set)

    def look(self, fleet: Fleet, order: Order) -> bool:
        """Record what is due of a fleet; whether the ends of all machines are recorded that ended.

        A machine is recorded when it is first seen, every five minutes, and when it has ended.
        """
        now, now_s = whole(self.clock.now()), self.clock.monotonic()
        for machine in fleet.machines:
            if machine.state in _ENDED and machine.name not in self._last:
                self._last[machine.name] = now
                self._due_s.pop(machine.name, None)
            if machine.name in self._over or now_s < self._due_s.get(machine.name, now_s):
                continue
            self._due_s[machine.name] = now_s + AGAIN_S
            rate = self.rates(rented(machine, order, self.where))
            if (rate is None and not self.sells) or self._says_nothing(machine):
                self._over.add(machine.name)
            else:
                self._record(self._sighting(machine, order, now, rate))
        return all(m.name in self._over for m in fleet.machines if m.state in _ENDED)

    def _says_nothing(self, machine: Machine) -> bool:
        """Whether it had ended when we came, and its provider tells no times."""
        ended = machine.state in _ENDED
        return ended and not machine.since and machine.name not in self._alive

    def note(self, fleet: Fleet, order: Order) -> None:
        """Record all machines as they are now."""
        self._due_s.clear()
        self.look(fleet, order)

    def _record(self, seen: Sighting) -> None:
        if not seen.ended:
            self._alive.add(seen.machine)
        try:
            self.ledger.put(seen, self.who)
        except StoreError as error:
            _LOG.warning("the ledger has to wait for machine %s: %s", seen.machine, error)
            return
        if seen.ended:
            self._over.add(seen.machine)

    def _sighting(
        self, machine: Machine, order: Order, now: datetime, rate: Rate | None
    ) -> Sighting:
        """What is known of a machine.

        Where its provider tells when it ended, that is the provider's word. Else it ended now, if
        we saw it alive, and nobody knows when, if we did not.
        """
        ended = machine.state in _ENDED
        since = _instant(machine.since) or self._first.setdefault(machine.name, now)
        told = _instant(machine.until) if ended else None
        official = told is not None and bool(machine.since)
        unseen = ended and machine.name not in self._alive
        seen = self._last.get(machine.name, now)
        until = told or (None if unseen else max(since, seen))
        return Sighting(
            machine=machine.name,
            job=order.job,
            witness=Witness.PROVIDER if official else Witness.COURIER,
            since=since,
            until=until,
            ended=ended,
            limit_s=int(order.limit_s),
            token=order.token,
            submitter=order.owner,
            where=self.where,
            kind=machine.kind,
            market=machine.market,
            region=machine.region,
            zone=machine.zone,
            rate=rate,
        )


def rented(machine: Machine, order: Order, where: str) -> Rented:
    """A machine, as its price is asked for."""
    return Rented(
        kind=machine.kind,
        where=where,
        region=machine.region,
        zone=machine.zone,
        market=machine.market,
        disk_gib=order.disk_gib,
    )


def _instant(said: str) -> datetime | None:
    try:
        return whole(datetime.fromisoformat(said))
    except ValueError:  # nothing was said
        return None
