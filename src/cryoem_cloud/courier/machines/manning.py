"""Keeps a job manned: one fleet after the other, until its task has ended."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from cryoem_cloud.courier.chaining.guest import Guest
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.known.tokens import token_of
from cryoem_cloud.courier.machines.planning import fixed_count
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.money.books import Books
from cryoem_cloud.courier.money.funds import Funds
from cryoem_cloud.courier.money.pricing import is_paid
from cryoem_cloud.courier.money.settling import settle
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.errors import BootError, ProviderError
from cryoem_cloud.model.machine import Fleet, Pulse, State
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.turn import Deed, Standing, standing
from cryoem_cloud.model.units import counted
from cryoem_cloud.planner.disk import disk_gib
from cryoem_cloud.planner.static import offers_for
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.provider import LIMIT_S, Order, Provider
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["MOST_ATTEMPTS", "Manning", "provider_of", "shape_for"]

_LOG = logging.getLogger(__name__)

MOST_ATTEMPTS = 10
"""Fleets that all left an open task; there is then something about the job that sends them away."""
_MOST_FAILED = 3
"""Fleets in a row whose last machines had left before they had worked."""
_HOUR_S = 3600.0
_REFUSED_S = 300.0
"""For so long an offer of which there is no machine is waited for, where there is another one."""


def provider_of(means: Means, slip: Slip) -> Provider:
    """Where a job's machines come from: as its submitter wished, or as the settings say now."""
    settings = means.settings(str(slip.project.folder))
    where = slip.job.wish.where or settings.where
    return means.provider(where, settings, slip.project.store)


def _offers(provider: Provider, slip: Slip, plan: Chosen | None = None) -> tuple[Offer, ...]:
    """What a job's machines may be, in the order in which it is tried."""
    if not provider.sells:
        return (Offer(),)
    return plan.offers if plan else offers_for(slip.job.script, slip.job.wish)


def shape_for(means: Means, slip: Slip) -> Shape:
    """What the machines of a job are like, for its counts, where no plan decides: by the table."""
    provider = provider_of(means, slip)
    return provider.shape(_offers(provider, slip)[0])


@dataclass
class Manning:
    """Has machines kept for one job, whose last task has this turn log.

    There are as many as the user wants, but no more than tasks that can be worked on at once.

    A machine leaves while somebody else who was seen alive works on the task. Should that one die,
    or should a claim of a machine that has left land late, then nobody is there any more, and no
    provider starts machines that have left anew. So another fleet is ordered, once all machines of
    the newest one have left and the task has shown no life for a minute. The attempts are recorded
    in the store, where the next courier finds them.

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
    _attempt: int = 0
    _offer: Offer = field(default_factory=Offer)
    _refused_s: float | None = None
    _pulse: Pulse | None = None
    _disk_gib: int | None = None
    _failed: tuple[int, ...] = ()
    """For each fleet in a row whose last machines had not worked, how many these were."""
    _told_gone: set[str] = field(default_factory=set)
    _guest: Guest | None = field(init=False)
    _funds: Funds = field(init=False)
    _books: dict[str, Books] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._funds = Funds(
            means=self.means,
            slip=self.slip,
            records=self.records,
            ask=self.ask,
            plan=lambda: self.plan,
        )
        self._guest = self._came_along() if self.slip.job.after else None

    @cached_property
    def plan(self) -> Chosen | None:
        """What was decided before the job had tasks, where its provider sells; else None."""
        return self.records.plan() if provider_of(self.means, self.slip).sells else None

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
        if not self._attempt:
            self._take_up()
        order = self._order()
        provider = provider_of(self.means, self.slip)
        if not self._granted(order, provider):
            return
        fleet = provider.keep(order)
        self._tell_of_gone(fleet)
        self._books_of(provider).look(fleet, order)
        if fleet.alive:
            self._pulse = self._refused_s = None
        elif fleet.refusal:
            self._wait_or_offer_more(fleet.refusal, provider, order)
        elif fleet.failures >= order.most_failures:
            self._give_up(fleet)
        elif fleet.spent and self._silent():
            self._failed = (*self._failed, fleet.failures) if fleet.failures else ()
            if len(self._failed) >= _MOST_FAILED:
                raise _no_boot(sum(self._failed), fleet.failure_log)
            self._man_again()

    def deserted(self) -> bool:
        """Whether nobody is there who could end the task in order, as its user now wants.

        A machine that comes up is, and whoever has claimed the task and was not silent for a
        minute. Without anybody the courier ends the job: no machine is to be bought for that.
        """
        if self._guest is not None and self._guest.lives():
            return False
        attempt = self._attempt or self.records.launches()
        if attempt and self._fleet_of(attempt).alive:
            self._pulse = None
            return False
        return not self.log.read() or self._silent()

    def _granted(self, order: Order, provider: Provider) -> bool:
        """Whether the fleet may be ordered; why not is told, and what there is to say if it may."""
        why = self._funds.wait_for(order, provider)
        if (news := why or self._funds.news()) is not None:
            self.told(news)
        return not why

    def note(self) -> None:
        """Have the ledger know of the machines as they are now, if their provider tells."""
        settings = self.means.settings(str(self.slip.project.folder))
        provider = provider_of(self.means, self.slip)
        if self._attempt and is_paid(provider, settings):
            order = self._order()
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
        token = token_of(self.slip.project.name, self.slip.job.number, attempt)
        return provider_of(self.means, self.slip).look(token)

    def _came_along(self) -> Guest | None:
        """The machine of an earlier job that made this one ready, if one did."""
        turns = self.records.preparations().read()
        claims = [turn for turn in turns if turn.deed is Deed.CLAIM]
        if not claims:
            return None
        guest = Guest.of_claim(
            claims[-1],
            self.records,
            providers=self.means.providers(),
            clock=self.means.clock,
        )
        return guest if guest.of else None

    def _take_up(self) -> None:
        """Go on with the newest attempt, or begin the first one."""
        attempt = self.records.launches()
        if attempt:
            self._attempt, self._offer = attempt, self.records.launch(attempt)
        else:
            provider = provider_of(self.means, self.slip)
            self._begin(1, _offers(provider, self.slip, self.plan)[0])

    def _begin(self, attempt: int, offer: Offer) -> None:
        """Order a fleet; of two couriers that do the first one's offer stands."""
        self._attempt, self._pulse, self._refused_s = attempt, None, None
        token, name = self._order().token, provider_of(self.means, self.slip).name
        self.records.put_launch(attempt, name, token, offer)
        self._offer = self.records.launch(attempt)

    def _wait_or_offer_more(self, refusal: str, provider: Provider, order: Order) -> None:
        now_s = self.means.clock.monotonic()
        if self._refused_s is None:
            self._refused_s = now_s
            self.told(f"waits for a machine: {refusal}")
        offers = _offers(provider, self.slip, self.plan)
        at = offers.index(self._offer) if self._offer in offers else len(offers)
        if at + 1 < len(offers) and now_s - self._refused_s >= _REFUSED_S:
            if provider.look(order.token).alive:  # one has come up since `keep` looked
                return
            _LOG.warning("job %d: %s", self.records.number, refusal)
            provider.end(order.token)
            settle(provider, order.token, self._books_of(provider))
            self._begin(self._attempt + 1, offers[at + 1])

    def _man_again(self) -> None:
        if self._attempt >= MOST_ATTEMPTS:
            raise ProviderError(
                f"{self._attempt} times all machines left job {self.records.number} while its work "
                "was not done",
                hint="submit it again; cryoem report collects what the machines said",
            )
        _LOG.warning("job %d: its machines left, and its task is open", self.records.number)
        self._begin(self._attempt + 1, self._offer)

    def _order(self) -> Order:
        slip, settings = self.slip, self.means.settings(str(self.slip.project.folder))
        if self._disk_gib is None and provider_of(self.means, slip).sells:
            self._disk_gib = disk_gib(self.records.all_tasks())
        return Order(
            token=token_of(slip.project.name, slip.job.number, self._attempt),
            store=slip.project.store,
            project=slip.project.name,
            job=slip.job.number,
            count=min(self._count(settings), self.tasks),
            offer=self._offer,
            disk_gib=self._disk_gib or 0,
            limit_s=slip.job.wish.hours * _HOUR_S or LIMIT_S,
            owner=slip.job.submitter,
            image=slip.job.wish.image,
            door=slip.job.wish.door,
            environment=slip.environment,
            umask=slip.umask,
        )

    def _count(self, settings: Settings) -> int:
        """How many machines there may be: as the user said, or as was planned."""
        planned = self.plan.count if self.plan else 0
        return fixed_count(self.slip, settings) or planned or settings.count

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

    def _silent(self) -> bool:
        """Whether neither a new turn nor a beat of the last one's holder was seen for a minute."""
        turns, now_s = self.log.read(), self.means.clock.monotonic()
        beat = self.records.beat(turns[-1].holder) if turns else None
        signs = b"%d %s" % (len(turns), beat or b"")
        self._pulse = self._pulse.look(signs, now_s) if self._pulse else Pulse.first(signs, now_s)
        return self._pulse.dead(now_s)


def _no_boot(failures: int, said: str) -> BootError:
    return BootError(
        f"{counted(failures, 'machine')} in a row ended before they had worked; the last one said: "
        f"{said.strip() or 'nothing'}",
        hint="cryoem doctor looks for the cause",
    )
