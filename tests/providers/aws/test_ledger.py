"""What the ledger says of machines is what the simulated AWS itself has recorded, to the second."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cryoem_cloud.courier.money.books import Books
from cryoem_cloud.courier.money.settling import settle
from cryoem_cloud.model.charge import Rate, Rented, What
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.life import Life
from cryoem_cloud.model.machine import Fleet
from cryoem_cloud.model.offer import Market
from cryoem_cloud.providers.aws.seen import Seen, fleet_of
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.clock import StoppedClock
from cryoem_cloud.wiring.clock import SystemClock
from tests.ec2sim.instances import Kept

from .conftest import AwsBench, order

PROJECT = order().project
_ENDED = {"shutting-down", "terminated"}


class Recorded:
    """When each machine's bill began and ended, as the simulator itself lived through it."""

    def __init__(self, bench: AwsBench) -> None:
        self.ends: dict[str, datetime] = {}
        self.bench = bench
        bench.cloud.life.on_change(self._changed)

    def _changed(self, kept: Kept) -> None:
        if kept.state in _ENDED:
            self.ends.setdefault(kept.id, datetime.now(UTC).replace(microsecond=0))

    def seconds(self, machine: str) -> int:
        launched: datetime = self.bench.cloud.instance(machine).record.launch_time
        begun = launched.replace(tzinfo=UTC, microsecond=0)
        return int((self.ends[machine] - begun).total_seconds())


class Accounting:
    """A courier's books of the fleet of job 7, at the simulator's own prices."""

    def __init__(self, bench: AwsBench) -> None:
        self.bench, self.store, self.provider = bench, MemoryStore(), bench.provider
        self.recorded = Recorded(bench)
        records = JobRecords(self.store, PROJECT, order().job)
        records.put_job(
            Job(
                number=order().job,
                project=PROJECT,
                name="Class2D/job007",
                application="shell",
                frontend="shell",
                script="true",
                script_path="",
                logs={},
                log_starts={},
                submitted_at="2026-01-01T00:00:00Z",
                outputs=("Class2D/job007",),
                submitter=order().owner,
            )
        )

    def books(self) -> Books:
        """Another courier's, each time."""
        return Books(
            ledger=Ledger(self.store, PROJECT),
            who="courier-1",
            where="aws",
            sells=True,
            rates=self._rate,
            clock=SystemClock(),
        )

    def _rate(self, wanted: Rented) -> Rate:
        prices = self.bench.cloud.prices
        spot = wanted.market == Market.SPOT.value
        usd = prices.spot(wanted.kind, wanted.zone) if spot else prices.on_demand(wanted.kind)
        return Rate(usd_per_hour=usd, source="the simulator")

    def until(self, good: Callable[[Fleet], object]) -> Fleet:
        until_s = time.monotonic() + 30
        while not good(fleet := self.provider.keep(order())):
            assert time.monotonic() < until_s, fleet
            time.sleep(0.02)
        return fleet

    @property
    def lives(self) -> dict[str, Life]:
        return {life.machine: life for life in Ledger(self.store, PROJECT).lives()}


@pytest.fixture
def accounting(aws_bench: AwsBench) -> Iterator[Accounting]:
    yield Accounting(aws_bench)
    aws_bench.provider.end(order().token)
    aws_bench.nothing_lives()


def test_a_fleets_seconds_and_dollars_are_those_of_the_simulator(accounting: Accounting) -> None:
    """One machine is lost and replaced; a courier saw the first ones, another one settles."""
    bench = accounting.bench
    fleet = accounting.until(lambda fleet: len(fleet.alive) == 2)
    accounting.books().look(fleet, order())
    lost, kept = (machine.name for machine in fleet.machines)
    time.sleep(1.1)
    bench.crash(lost)
    replaced = accounting.until(lambda fleet: len(fleet.alive) == 2 and len(fleet.machines) == 3)
    (third,) = {m.name for m in replaced.machines} - {lost, kept}
    log = BudgetLog(accounting.store, PROJECT)
    log.reserve(
        order().token, {"2099-01": Decimal(9)}, until=datetime(2099, 1, 1, tzinfo=UTC), by="c"
    )
    assert not settle(accounting.provider, order().token, accounting.books())
    accounting.provider.end(order().token)
    bench.nothing_lives()
    assert settle(accounting.provider, order().token, accounting.books())
    seconds = {name: life.seconds for name, life in accounting.lives.items()}
    assert seconds == {name: accounting.recorded.seconds(name) for name in (lost, kept, third)}
    assert all(life.ended for life in accounting.lives.values())
    charges = Ledger(accounting.store, PROJECT).charges()
    cost = {c.machine: c.usd for c in charges if c.what is What.MACHINE}
    for name in (lost, kept, third):
        instance = bench.cloud.instance(name)
        price = bench.cloud.prices.spot(instance.type, instance.zone)
        assert cost[name] == price * seconds[name] / 3600
    balance = log.read()
    assert not balance.reserved
    assert sum(balance.months.values()) == sum(c.usd or 0 for c in charges)


def test_an_end_of_which_no_time_is_told_is_left_to_others() -> None:
    """As of a Spot machine that was taken, where EC2 gives the reason alone."""
    instance = {
        "InstanceId": "i-0123456789abcdef0",
        "InstanceType": "m5.large",
        "State": {"Name": "terminated"},
        "LaunchTime": datetime(2026, 1, 1, tzinfo=UTC),
        "Placement": {"AvailabilityZone": "us-west-2-lax-1a"},
        "StateTransitionReason": "Server.SpotInstanceTermination",
    }
    (machine,) = fleet_of(Seen(instances=(instance,))).machines
    assert (machine.until, machine.region) == ("", "us-west-2")
    told = instance | {"StateTransitionReason": "Service initiated (2026-01-01 00:07:09 GMT)"}
    fleet = fleet_of(Seen(instances=(told,)))
    assert fleet.machines[0].until == "2026-01-01T00:07:09+00:00"
    store = MemoryStore()
    books = Books(
        ledger=Ledger(store, PROJECT),
        who="c",
        where="aws",
        sells=True,
        rates=lambda _: None,
        clock=StoppedClock(),
    )
    assert books.look(fleet, order())
    (life,) = Ledger(store, PROJECT).lives()
    assert life.seconds == 429
