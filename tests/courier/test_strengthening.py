"""A job's machines come as its inputs do: fleets beside each other, kept by whichever courier."""

from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest

from cryoem_cloud.courier.machines.manning import Manning
from cryoem_cloud.courier.money.funds import Funds, Share
from cryoem_cloud.courier.piecework.pace import Arriving, Working
from cryoem_cloud.courier.piecework.pieces import PieceFollower
from cryoem_cloud.courier.piecework.underway import Underway
from cryoem_cloud.model.charge import Rate
from cryoem_cloud.model.errors import ProviderUnreachableError, QuotaError
from cryoem_cloud.model.launch import Launch
from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.model.task import Ready
from cryoem_cloud.planner.reckon import BOOT_S
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.testing.clock import StoppedClock

from .conftest import TASK, Bench, Played

_MOST = 6


class Letting(Played):
    """Has as many machines as are ordered, by fleet."""

    def __init__(self) -> None:
        super().__init__()
        self.fleets: dict[str, int] = {}
        self.gone = False
        self.trouble: dict[str, Exception] = {}

    def keep(self, order: Order) -> Fleet:
        number = order.token.rpartition("-")[2]
        if number in self.trouble:
            raise self.trouble[number]
        self.fleets.setdefault(number, order.count)
        return self.look(order.token)

    def look(self, token: str) -> Fleet:
        number = token.rpartition("-")[2]
        state = State.LEFT if self.gone else State.UP
        names = (f"m-{number}-{n}" for n in range(self.fleets.get(number, 0)))
        machines = tuple(Machine(name=name, state=state) for name in names)
        return Fleet(machines=machines, spent=self.gone)


class Manned:
    """A job that may have six machines, of which so many are wanted as `wish` says."""

    def __init__(self, bench: Bench) -> None:
        job = bench.slip.job
        bench.slip = replace(bench.slip, job=replace(job, wish=replace(job.wish, count=_MOST)))
        self.bench, self.provider, self.wish = bench, Letting(), 1
        self.told: list[str] = []
        self.means = bench.means("courier-1", self.provider)
        self.manning = self.courier()

    def courier(self) -> Manning:
        """Another one, who knows nothing."""
        log = self.bench.records.turns(TASK)
        return Manning(
            self.means,
            self.bench.slip,
            self.bench.records,
            log,
            tasks=100,
            told=self.told.append,
            wanted=lambda there, most: min(max(self.wish, there), most),
        )

    def keep(self, wish: int) -> dict[str, int]:
        """Look twice; what there is then."""
        self.wish = wish
        for _ in range(2):
            self.manning.keep()
        return self.provider.fleets


@pytest.fixture
def manned(bench: Bench) -> Manned:
    return Manned(bench)


def test_machines_are_ordered_beside_those_that_are_there_up_to_the_plan(manned: Manned) -> None:
    assert manned.keep(1) == {"1": 1}
    assert manned.keep(3) == {"1": 1, "2": 2}
    assert manned.keep(2) == {"1": 1, "2": 2}
    assert manned.keep(99) == {"1": 1, "2": 2, "3": 3}
    assert manned.bench.records.launches() == 3


def test_all_at_once_is_one_fleet_and_a_record_as_ever(manned: Manned) -> None:
    assert manned.keep(99) == {"1": _MOST}
    assert manned.bench.records.launch(1) == Launch()


def test_another_courier_keeps_all_fleets_and_comes_to_the_same_strength(manned: Manned) -> None:
    manned.keep(1)
    manned.keep(3)
    before = dict(manned.provider.fleets)
    manned.provider.fleets.clear()
    manned.manning = manned.courier()
    assert manned.keep(3) == before
    assert manned.keep(6) == {**before, "3": 3}


def test_a_courier_that_was_killed_before_its_order_is_followed_by_one_that_orders(
    manned: Manned,
) -> None:
    manned.keep(1)
    manned.provider.trouble["2"] = ProviderUnreachableError("killed, as far as it knows")
    with pytest.raises(ProviderUnreachableError):
        manned.keep(4)
    assert manned.provider.fleets == {"1": 1}
    del manned.provider.trouble["2"]
    manned.manning = manned.courier()
    assert manned.keep(1) == {"1": 1, "2": 3}


def test_what_an_account_may_not_have_beside_others_ends_no_job(manned: Manned) -> None:
    manned.keep(1)
    manned.provider.trouble["2"] = QuotaError("64 vCPUs are the most")
    assert manned.keep(3) == manned.keep(6) == {"1": 1}
    assert manned.told[-1] == "has fewer machines than it might: 64 vCPUs are the most"
    assert manned.bench.records.launches() == 2
    manned.provider.gone = True
    with pytest.raises(QuotaError):
        manned.keep(6)


def test_a_job_that_all_fleets_left_is_manned_again_by_one_that_stands_alone(
    manned: Manned,
) -> None:
    manned.keep(1)
    manned.keep(6)
    manned.provider.gone = True
    for _ in range(200):
        manned.manning.keep()
        manned.means.clock.sleep(1.0)
        if manned.bench.records.launches() == 3:
            break
    manned.provider.gone = False
    assert manned.bench.records.launch(3) == Launch()
    assert manned.keep(6)["3"] == _MOST


def test_the_budget_is_reserved_for_all_machines_before_the_first_is_ordered(
    bench: Bench,
) -> None:
    rate = Rate(usd_per_hour=Decimal("1.20"), source="a list", least_s=60)
    means = replace(bench.means("courier-1", Played()), rates=lambda _: lambda _: rate)
    asked: list[str] = []
    funds = Funds(means=means, slip=bench.slip, records=bench.records, ask=asked.append)
    budget = BudgetLog(bench.store, bench.slip.project.name)
    whole = Decimal("1.20") * 24 * _MOST
    budget.set_limit(whole, by="ada")
    provider = Played()

    def order(number: int, count: int) -> Order:
        token = f"{bench.slip.project.name}-00000001-{number}"
        return Order(token=token, store="", project="p", job=1, count=count)

    first, second, third = order(1, 1), order(2, 2), order(3, 3)
    assert funds.wait_for(first, provider, Share(most=_MOST)) == ""
    assert budget.read().held("2026-01") == whole
    share = Share(most=_MOST, others=1, beside=(first.token,))
    assert funds.wait_for(second, provider, share) == ""
    both = (first.token, second.token)
    assert funds.wait_for(third, provider, Share(most=_MOST, others=3, beside=both)) == ""
    held = {token: sum(months.values()) for token, months in budget.read().reserved.items()}
    assert held == {
        first.token: whole / 6,
        second.token: whole / 3,
        third.token: whole / 2,
    }
    assert "is $172.80" in funds.wait_for(order(4, 1), provider, Share(most=1))


class Followed:
    """What a follower tells."""

    items, items_ended = 100, 0

    def __init__(self) -> None:
        self.working = Working()


def test_what_is_wanted_follows_what_is_sent_and_what_pieces_take() -> None:
    clock, follower = StoppedClock(), Followed()
    underway = Underway(_slow=True, _arriving=Arriving([1] * 100, clock))
    arriving = underway._arriving
    assert arriving is not None

    def wanted(there: int, work_s: float = 100 * 360.0) -> int:
        return underway.wanted(there, 12, work_s=work_s, follower=cast("PieceFollower", follower))

    assert wanted(0, work_s=0) == 12, "nobody has planned how much work it is"
    arriving.look(Ready(1, 101))
    assert wanted(0) == 1, "sending has no rate yet"
    for sent in range(2, 12):
        clock.sleep(120.0)
        arriving.look(Ready(sent, 101))
    assert arriving.counted == 10
    assert wanted(1) == 3, "a piece takes 360 s and one comes each 120 s"
    follower.working.at_work("m", "000001", 0.0)
    follower.working.ended("m", "000001", 1, 720.0)
    assert wanted(1) == 6, "it takes 720 s"
    arriving.look(Ready(101, 101))
    follower.items_ended = 90
    assert wanted(6) == 12, "all is sent, and each has something to do"
    follower.items_ended = 99
    assert wanted(6) == 6


def test_where_there_is_little_to_send_all_machines_are_ordered_at_once() -> None:
    underway = Underway(_arriving=Arriving([1] * 100, StoppedClock()))
    follower = cast("PieceFollower", Followed())
    assert underway.wanted(0, 12, work_s=36_000.0, follower=follower) == 12


def test_who_comes_after_all_was_sent_orders_what_is_still_worth_it() -> None:
    follower = Followed()
    cases: list[tuple[int, int]] = [(0, 12), (100, 3)]
    for ended, expected in cases:
        follower.items_ended = ended
        found = Underway().wanted(
            3, 12, work_s=100 * BOOT_S.p50, follower=cast("PieceFollower", follower)
        )
        assert found == expected


def test_a_piece_whose_begin_was_read_late_is_not_timed() -> None:
    working = Working()
    working.ended("m", "000001", 5, 100.0)
    assert working.item_s is None
    working.at_work("m", "000002", 100.0)
    working.at_work("m", "000002", 130.0)
    working.ended("m", "000002", 5, 150.0)
    assert working.item_s == 10.0
