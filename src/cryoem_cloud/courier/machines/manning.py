"""Keeps a job manned until its task has ended: one fleet beside the other, or after it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cryoem_cloud.courier.chaining.guest import Guest, came_along
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.machines.launches import Launches
from cryoem_cloud.courier.machines.orders import Orders
from cryoem_cloud.courier.machines.silence import Silence
from cryoem_cloud.courier.machines.sources import offers_of, provider_of
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.money.books import Books
from cryoem_cloud.courier.money.funds import Funds, Share
from cryoem_cloud.courier.money.pricing import is_paid
from cryoem_cloud.courier.money.settling import settle
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.errors import (
    BootError,
    FormatError,
    ProviderDeniedError,
    ProviderError,
    ProviderUnreachableError,
)
from cryoem_cloud.model.launch import Launch
from cryoem_cloud.model.machine import Fleet, State
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.turn import Standing, standing
from cryoem_cloud.model.units import counted
from cryoem_cloud.ports.provider import Order, Provider
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["MOST_ATTEMPTS", "Manning"]

_LOG = logging.getLogger(__name__)

MOST_ATTEMPTS = 10
"""Fleets that all left an open task; there is then something about the job that sends them away."""
_MOST_FAILED = 3
"""Fleets in a row whose last machines had left before they had worked."""
_REFUSED_S = 300.0
"""For so long an offer of which there is no machine is waited for, where there is another one."""


@dataclass
class Manning:
    """Has machines kept for one job, whose last task has this turn log.

    There are as many as the user wants, but no more than tasks that can be worked on at once. Of
    these so many are ordered as are `wanted`, which is told how many are there and may be; where
    more are wanted later, another fleet is ordered beside those that are there.

    A machine leaves while somebody else who was seen alive works on the task. Should that one die,
    or should a claim of a machine that has left land late, then nobody is there any more, and no
    provider starts machines that have left anew. So another fleet is ordered, once all machines
    have left and the task has shown no life for a minute. The attempts are recorded in the store,
    where the next courier finds them.

    Where a provider has had no machine of an offer for five minutes, that attempt is ended, and the
    next offer ordered; the last one is waited for. `told` hears why there is no machine, `ask`
    what its user is to agree to. No fleet is ordered that its user or the budget does not allow.
    """

    means: Means
    slip: Slip
    records: JobRecords
    log: TurnLog
    tasks: int = 1
    told: Callable[[str], None] = lambda _: None
    ask: Callable[[str], None] = lambda _: None
    wanted: Callable[[int, int], int] = lambda _, most: most
    _launches: Launches = field(init=False)
    _orders: Orders = field(init=False)
    _silence: Silence = field(init=False)
    _refused_s: dict[int, float] = field(default_factory=dict)
    """Since when a fleet has no machine, as there is none."""
    _lacking: set[int] = field(default_factory=set)
    """Fleets that could not be had, of which that was told."""
    _failed: tuple[int, ...] = ()
    """For each fleet in a row whose last machines had not worked, how many these were."""
    _told_gone: set[str] = field(default_factory=set)
    _guest: Guest | None = field(init=False)
    _funds: Funds = field(init=False)
    _books: dict[str, Books] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._launches = Launches(self.records)
        self._orders = Orders(self.means, self.slip, self.records, self._launches, self.tasks)
        self._silence = Silence(self.records, self.log, self.means.clock)
        self._funds = Funds(
            means=self.means,
            slip=self.slip,
            records=self.records,
            ask=self.ask,
            plan=lambda: self.plan,
        )
        self._guest = came_along(self.means, self.records) if self.slip.job.after else None

    @property
    def plan(self) -> Chosen | None:
        """What was decided before the job had tasks, where its provider sells; else None."""
        return self._orders.plan

    def keep(self) -> None:
        """See to it that there are machines as long as the task is open; call again and again.

        Raises:
            BootError: Machines end before they have worked.
            ProviderError: They left an open task too often.
        """
        if self._guest is not None:
            if self._guest.lives():
                return
            name = self._guest.name
            _LOG.warning("job %d: %s came along, and is gone", self.records.number, name)
            self._guest = None
        provider = provider_of(self.means, self.slip)
        if not self._launches.kept:
            self._take_up(provider)
        fleets = self._kept(provider)
        alive = any(fleet.alive for fleet in fleets.values())
        if alive:
            self._silence.broken()
        tended = [self._tend(n, fleet, provider, others=alive) for n, fleet in fleets.items()]
        if not fleets or any(tended):
            return
        if alive:
            if len(fleets) == len(self._launches.kept):
                self._strengthen(provider)
        elif all(fleet.spent for fleet in fleets.values()) and self._silence.lasts():
            failures = sum(fleet.failures for fleet in fleets.values())
            self._failed = (*self._failed, failures) if failures else ()
            if len(self._failed) >= _MOST_FAILED:
                log = next(fleet.failure_log for fleet in fleets.values() if fleet.failures)
                raise _no_boot(sum(self._failed), log)
            self._man_again(provider)

    def _kept(self, provider: Provider) -> dict[int, Fleet]:
        """All fleets that are granted, as they are; what cannot be had beside others is told."""
        fleets: dict[int, Fleet] = {}
        lacking: dict[int, ProviderError] = {}
        for attempt in self._launches.kept:
            order = self._orders.of(attempt)
            if not self._granted(attempt, order, provider):
                continue
            try:
                fleets[attempt] = provider.keep(order)
            except (ProviderUnreachableError, ProviderDeniedError):
                raise
            except ProviderError as error:
                lacking[attempt] = error
                continue
            self._tell_of_gone(fleets[attempt])
            self._books_of(provider).look(fleets[attempt], order)
        for attempt, why in lacking.items():
            if not any(fleet.alive for fleet in fleets.values()):
                raise why
            if attempt not in self._lacking:
                self._lacking.add(attempt)
                self.told(f"has fewer machines than it might: {why}")
        return fleets

    def _tend(self, attempt: int, fleet: Fleet, provider: Provider, *, others: bool) -> bool:
        """Do what a fleet without a machine needs, where that is known; whether it was.

        `others` says that other fleets may have machines.
        """
        if fleet.alive:
            self._refused_s.pop(attempt, None)
        elif fleet.refusal:
            self._wait_or_offer_more(attempt, fleet.refusal, provider)
            return True
        elif fleet.failures >= self._orders.of(attempt).most_failures and not others:
            self._give_up(fleet)
            return True
        return False

    def _strengthen(self, provider: Provider) -> None:
        """Order more machines, beside those that are there, where more are wanted."""
        most = self._orders.most()
        there = self._launches.strength(most)
        more = min(self.wanted(there, most), most) - there if there < most else 0
        if more > 0:
            *_, newest = self._launches.kept.values()
            _LOG.info("job %d: %s more", self.records.number, counted(more, "machine"))
            beside = tuple(self._launches.kept)
            self._launches.begin(
                Launch(offer=newest.offer, count=more, beside=beside), provider.name
            )

    def deserted(self) -> bool:
        """Whether nobody is there who could end the task in order, as its user now wants.

        A machine that comes up is, and whoever has claimed the task and was not silent for a
        minute. Without anybody the courier ends the job: no machine is to be bought for that.
        """
        if self._guest is not None and self._guest.lives():
            return False
        if not self._launches.kept:
            self._launches.take_up()
        if any(self._fleet_of(attempt).alive for attempt in self._launches.kept):
            self._silence.broken()
            return False
        return not self.log.read() or self._silence.lasts()

    def _granted(self, attempt: int, order: Order, provider: Provider) -> bool:
        """Whether the fleet may be ordered; why not is told, and what there is to say if it may."""
        launches, most = self._launches, self._orders.most()
        share = Share(
            most=most,
            others=launches.strength(most, but=attempt),
            beside=tuple(map(launches.token, launches.beside(attempt))),
        )
        why = self._funds.wait_for(order, provider, share)
        if (news := why or self._funds.news()) is not None:
            self.told(news)
        return not why

    def note(self) -> None:
        """Have the ledger know of the machines as they are now, if their provider tells."""
        settings = self.means.settings(str(self.slip.project.folder))
        provider = provider_of(self.means, self.slip)
        for attempt in self._launches.kept if is_paid(provider, settings) else ():
            order = self._orders.of(attempt)
            try:
                fleet = provider.look(order.token)
            except ProviderError as error:
                _LOG.warning("job %d: its cost is told later: %s", self.records.number, error)
                return
            self._books_of(provider).note(fleet, order)

    def _books_of(self, provider: Provider) -> Books:
        if provider.name not in self._books:
            settings = self.means.settings(str(self.slip.project.folder))
            self._books[provider.name] = Books(
                ledger=Ledger(self.records.store, self.records.project),
                who=self.means.who,
                where=provider.name,
                sells=provider.sells,
                rates=self.means.rates(settings),
                clock=self.means.clock,
            )
        return self._books[provider.name]

    def _fleet_of(self, attempt: int) -> Fleet:
        return provider_of(self.means, self.slip).look(self._launches.token(attempt))

    def _take_up(self, provider: Provider) -> None:
        """Go on with the fleets that are there, or begin the first one."""
        self._launches.take_up()
        if not self._launches.kept:
            self._begin(offers_of(provider, self.slip, self.plan)[0], provider)

    def _begin(self, offer: Offer, provider: Provider) -> None:
        """Order a fleet that stands alone, with as many machines as are wanted now."""
        self._silence.broken()
        most = self._orders.most()
        count = max(1, self.wanted(0, most))
        self._launches.begin(Launch(offer=offer, count=count if count < most else 0), provider.name)

    def _wait_or_offer_more(self, attempt: int, refusal: str, provider: Provider) -> None:
        now_s = self.means.clock.monotonic()
        if attempt not in self._refused_s:
            self._refused_s[attempt] = now_s
            self.told(f"waits for a machine: {refusal}")
        launch, token = self._launches.kept[attempt], self._launches.token(attempt)
        offers = offers_of(provider, self.slip, self.plan)
        at = offers.index(launch.offer) if launch.offer in offers else len(offers)
        if at + 1 < len(offers) and now_s - self._refused_s[attempt] >= _REFUSED_S:
            if provider.look(token).alive:  # one has come up since `keep` looked
                return
            _LOG.warning("job %d: %s", self.records.number, refusal)
            provider.end(token)
            self._settle(provider, token)
            beside = self._launches.beside(attempt)
            self._launches.begin(
                replace(launch, offer=offers[at + 1], beside=beside), provider.name
            )
            self._silence.broken()

    def _settle(self, provider: Provider, token: str) -> None:
        """Free what an ended fleet held; a budget that cannot be read keeps it, and no more."""
        try:
            settle(provider, token, self._books_of(provider))
        except FormatError as error:
            _LOG.warning("what is reserved for %s stays for now: %s", token, error)

    def _man_again(self, provider: Provider) -> None:
        if self._launches.alone >= MOST_ATTEMPTS:
            raise ProviderError(
                f"{self._launches.alone} times all machines left job {self.records.number} while "
                "its work was not done",
                hint="submit it again; cryoem report collects what the machines said",
            )
        _LOG.warning("job %d: its machines left, and its task is open", self.records.number)
        *_, newest = self._launches.kept.values()
        self._begin(newest.offer, provider)

    def _give_up(self, fleet: Fleet) -> None:
        """Say that nothing boots; but who ends a task ends machines that had nothing to do yet."""
        if standing(self.log.read()) not in {Standing.DONE, Standing.FAILED}:
            raise _no_boot(fleet.failures, fleet.failure_log)

    def _tell_of_gone(self, fleet: Fleet) -> None:
        """Let other machines take over at once what those that ended were working on."""
        ended = {m.name for m in fleet.machines if m.state in {State.GONE, State.LEFT}}
        for name in sorted(ended - self._told_gone):
            self.records.mark_gone(name)
            self._told_gone.add(name)


def _no_boot(failures: int, said: str) -> BootError:
    return BootError(
        f"{counted(failures, 'machine')} in a row ended before they had worked; the last one said: "
        f"{said.strip() or 'nothing'}",
        hint="cryoem doctor looks for the cause",
    )
