"""Settles the accounts of jobs that have ended, once for each fleet."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, date

from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.money.books import Books
from cryoem_cloud.courier.money.costs import write_costs
from cryoem_cloud.courier.money.pricing import is_paid
from cryoem_cloud.courier.money.settling import settle
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.stores.held_days import look_at_holding
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["Accounts"]

_LOG = logging.getLogger(__name__)

_TRIES = 3
"""Of an account that cannot be settled now; a fleet of it is not kept for ever."""


@dataclass
class Accounts:
    """What this courier has settled, or has given up."""

    means: Means
    _done: set[str] = field(default_factory=set)
    _tries: dict[str, int] = field(default_factory=dict)

    def settled(self, provider: Provider, token: str, card: Card) -> bool:
        """Record what a fleet that is gone has cost; whether that is done, or cannot be."""
        if token in self._done:
            return True
        self._tries[token] = self._tries.get(token, 0) + 1
        try:
            done = self._settle(provider, token, card)
        except (CryoemError, OSError) as error:
            _LOG.warning("what %s has cost is not recorded: %s", token, error)
            done = False
        if done or self._tries[token] >= _TRIES:
            self._done.add(token)
        return token in self._done

    def _today(self) -> date:
        return self.means.clock.now().astimezone(UTC).date()

    def _settle(self, provider: Provider, token: str, card: Card) -> bool:
        settings = self.means.settings(str(card.folder))
        rates = self.means.rates(settings)
        if not is_paid(provider, settings):
            return True
        ledger = Ledger(self.means.store(card.store), card.project, self.means.remembered)
        books = Books(
            ledger=ledger,
            who=self.means.who,
            where=provider.name,
            sells=provider.sells,
            rates=rates,
            clock=self.means.clock,
        )
        if not settle(provider, token, books):
            return False
        look_at_holding(ledger.store, card.project, self.means.prices(ledger.store), self._today())
        write_costs(card.folder, card.project, ledger.charges(rates=rates))
        return True
