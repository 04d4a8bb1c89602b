"""One job's errand with prices, settings and a clock of the test's."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.tokens import token_of
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.charge import Rate
from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.model.offer import Market
from cryoem_cloud.ports.provider import Order, Provider
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.testing.clock import StoppedClock

from .conftest import MACHINE, Bench, Played

__all__ = ["RATE", "Ordering", "Priced", "ordering"]

RATE = Rate(usd_per_hour=Decimal("1.20"), source="a list", least_s=60)


class Priced(Played):
    """A provider whose one machine works for ten minutes."""

    name = "aws"
    sells = True
    region = "us-east-1"

    def __init__(self, bench: Bench, clock: StoppedClock) -> None:
        super().__init__()
        self.bench, self.clock = bench, clock
        self.begun: datetime | None = None
        self.gone = False
        self.has_none: Market | None = None

    def keep(self, order: Order) -> Fleet:
        self.see(order)
        if order.offer.market is self.has_none:
            return Fleet(refusal="no capacity")
        if self.begun is None:
            self.begun = self.clock.now()
        elif self.clock.now() - self.begun >= timedelta(minutes=10) and not self.gone:
            self.gone = True
            self.bench.page(1, lines=(self.bench.lines(b"worked\n"),))
            self.bench.done(pages=1, logs={"out": 7, "err": 0})
        return self.look(order.token)

    def look(self, token: str) -> Fleet:
        if self.begun is None:
            return Fleet()
        until = (self.begun + timedelta(minutes=10)).isoformat() if self.gone else ""
        machine = Machine(
            name=MACHINE,
            state=State.LEFT if self.gone else State.UP,
            kind="m5.large",
            market="spot",
            region="us-east-1",
            zone="us-east-1a",
            since=self.begun.isoformat(),
            until=until,
        )
        return Fleet(machines=(machine,), spent=self.gone)


class Ordering:
    """One job's errand, with prices, settings and a clock of the test's."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.settings = bench, Settings()
        means = bench.means("courier-1", Played())
        assert isinstance(means.clock, StoppedClock)
        self.clock = means.clock
        self.provider = Priced(bench, self.clock)
        self.means: Means = replace(
            means,
            provider=lambda *_: self.provider,
            providers=lambda: (self.provider,),
            settings=lambda _: self.settings,
            rates=lambda _: lambda _: RATE,
        )

    @property
    def budget(self) -> BudgetLog:
        return BudgetLog(self.bench.store, self.bench.slip.project.name)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.bench.store, self.bench.slip.project.name)

    def providers(self) -> tuple[Provider, ...]:
        return (self.provider,)

    @property
    def token(self) -> str:
        return token_of(self.bench.slip.project.name, self.bench.slip.job.number, 1)

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Have something done at that time of the clock, at a look."""
        stopping = self.means.stopping
        wait, done = stopping.wait, [False]

        def waiting(timeout: float | None = None) -> bool:
            if self.clock.monotonic() >= seconds and not done[0]:
                done[0] = True
                act()
            return wait(timeout)

        stopping.wait = waiting  # type: ignore[method-assign]  # one event of the test's own

    def at_each_look(self, act: Callable[[], None]) -> None:
        """Have something done before each pause."""
        stopping = self.means.stopping
        wait = stopping.wait

        def waiting(timeout: float | None = None) -> bool:
            act()
            return wait(timeout)

        stopping.wait = waiting  # type: ignore[method-assign]  # one event of the test's own

    def run(self) -> None:
        bench = self.bench
        desk = CardDesk(bench.card(), bench.cards, self.clock)
        Errand(bench.slip, self.means, desk).run()

    @property
    def out(self) -> str:
        return (self.bench.folder / "run.out").read_text()


@pytest.fixture
def ordering(bench: Bench) -> Ordering:
    return Ordering(bench)
