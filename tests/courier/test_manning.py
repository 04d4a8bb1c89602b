"""A job is manned again when all its machines have left it, and not for ever."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryoem_cloud.courier.known.tokens import token_of
from cryoem_cloud.courier.machines.manning import MOST_ATTEMPTS
from cryoem_cloud.courier.machines.sweep import sweep
from cryoem_cloud.model.errors import ProviderUnreachableError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.launch import Launch
from cryoem_cloud.model.machine import DEAD_AFTER_S, Fleet, Machine, State
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.ports.provider import Order

from .conftest import MACHINE, TASK, Bench, Played

_LONG = 3000
_LOOK_S = 0.5


class Leaving(Played):
    """All machines leave at once; `act` is what else happens at the look of that number."""

    def __init__(self, act: Callable[[int, Order], None] = lambda *_: None) -> None:
        super().__init__()
        self.act = act
        self.looks: list[str] = []
        self.failures = 0

    def keep(self, order: Order) -> Fleet:
        self.see(order)
        self.looks.append(order.token)
        self.act(len(self.looks), order)
        return Fleet(
            machines=(Machine(name=f"of-{order.token}", state=State.LEFT),),
            failures=self.failures,
            failure_log="no luck",
            spent=True,
        )


def tokens(bench: Bench, *attempts: int) -> list[str]:
    return [token_of(bench.slip.project.name, bench.slip.job.number, n) for n in attempts]


def test_a_job_that_all_machines_left_is_manned_again_after_a_minute(bench: Bench) -> None:
    """As when a machine claimed late, and was gone."""

    def act(look: int, order: Order) -> None:
        if look == 1:
            assert bench.records.turns(TASK).claim(MACHINE)
        if order.token.endswith("-2") and provider.looks.count(order.token) == 1:
            log = bench.records.turns(TASK)
            claim = log.read()[-1]
            assert claim.holder == MACHINE
            bench.done()

    provider = Leaving(act)
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    first, second = tokens(bench, 1, 2)
    assert provider.kept == [first, second]
    assert provider.looks.count(first) * _LOOK_S >= DEAD_AFTER_S
    assert bench.records.launches() == 2
    assert bench.records.is_gone(f"of-{first}")


def test_a_job_whose_holder_lives_elsewhere_is_not_manned_again(bench: Bench) -> None:
    """As on another computer, whose machines this provider does not know."""
    long = int(3 * DEAD_AFTER_S / _LOOK_S)

    def act(look: int, _: Order) -> None:
        if look == 1:
            assert bench.records.turns(TASK).claim(MACHINE)
        if look % 30 == 0:
            bench.records.put_beat(MACHINE, look)
        if look == long:
            bench.done()

    provider = Leaving(act)
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    assert len(provider.looks) >= long
    assert set(provider.looks) == set(tokens(bench, 1))


def test_a_courier_goes_on_with_the_newest_attempt(bench: Bench) -> None:
    for attempt, token in enumerate(tokens(bench, 1, 2, 3), start=1):
        bench.records.put_launch(attempt, "played", token, Launch())
    provider = Leaving(lambda *_: bench.done())
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    assert provider.kept == tokens(bench, 3)


def test_a_job_that_sends_all_machines_away_fails_and_leaves_none(bench: Bench) -> None:
    provider = Leaving()
    card = bench.run(provider=provider)
    assert card.outcome is Outcome.FAILURE
    assert "all machines left job 1" in (bench.folder / "run.err").read_text()
    assert provider.kept == tokens(bench, *range(1, MOST_ATTEMPTS + 1))
    assert provider.ended == provider.kept


def test_fleets_that_leave_before_they_have_worked_are_given_up_after_three(bench: Bench) -> None:
    provider = Leaving()
    provider.failures = 1
    card = bench.run(provider=provider)
    assert card.outcome is Outcome.FAILURE
    assert card.reason.startswith("3 machines in a row ended before they had worked")
    assert "the last one said: no luck" in card.reason
    assert provider.kept == tokens(bench, 1, 2, 3)


def test_only_failures_in_a_row_count(bench: Bench) -> None:
    def act(_: int, order: Order) -> None:
        provider.failures = int(order.token.rpartition("-")[2]) % 3

    provider = Leaving(act)
    card = bench.run(provider=provider)
    assert "all machines left job 1" in card.reason
    assert len(provider.kept) == MOST_ATTEMPTS


def test_every_attempts_fleet_is_swept_and_no_other_jobs(bench: Bench) -> None:
    provider = Leaving()
    bench.run(provider=provider)
    name, number = bench.slip.project.name, bench.slip.job.number
    others = [token_of(name, number + 1, 1), token_of(name, number * 10, 1), "another"]
    provider.ended, swept = [], tokens(bench, 1, 12)
    provider.kept = [*others, *swept]
    sweep(provider, bench.cards.all(), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=30))
    assert provider.ended == swept


def test_of_a_job_that_failed_the_doors_are_closed_and_the_logs_kept(bench: Bench) -> None:
    provider = Leaving()
    bench.run(provider=provider)
    provider.ended, provider.kept = [], tokens(bench, 1, 3)
    sweep(provider, bench.cards.all(), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1))
    assert (provider.ended, provider.closed) == ([], provider.kept)


class Selling(Played):
    """A provider that has no machine in the first market, or in none."""

    sells = True

    def __init__(self, bench: Bench, *, has: Market | None) -> None:
        super().__init__()
        self.bench, self.has = bench, has
        self.orders: list[Order] = []

    def keep(self, order: Order) -> Fleet:
        self.see(order)
        self.orders.append(order)
        if order.offer.market is not self.has:
            return Fleet(refusal="no capacity")
        self.bench.done()
        return super().keep(order)


def test_a_machine_that_comes_up_as_its_offer_is_given_up_is_kept(bench: Bench) -> None:
    """Capacity came back between two looks."""

    class Late(Selling):
        def look(self, token: str) -> Fleet:
            self.has = Market.SPOT
            return Fleet(machines=(Machine(name=MACHINE, state=State.STARTING),))

    provider = Late(bench, has=None)
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    assert provider.kept == tokens(bench, 1)


def test_a_job_that_is_stopped_while_there_is_no_machine_ends_and_orders_none(
    bench: Bench,
) -> None:
    class Stopped(Selling):
        def keep(self, order: Order) -> Fleet:
            fleet = super().keep(order)
            if len(self.orders) == 2:
                bench.spool.ask_stop(bench.slip.name)
            return fleet

    provider = Stopped(bench, has=None)
    card = bench.run(provider=provider)
    assert (card.outcome, card.reason) == (Outcome.ABORTED, "stopped on request")
    assert len(provider.orders) == 2
    assert provider.ended == tokens(bench, 1)


def test_a_job_whose_machine_is_lost_as_it_is_stopped_gets_no_other(bench: Bench) -> None:
    """The one that had it is waited for, as it may be elsewhere."""

    def act(look: int, _: Order) -> None:
        if look == 1:
            assert bench.records.turns(TASK).claim(MACHINE)
            bench.spool.ask_stop(bench.slip.name)

    provider = Leaving(act)
    assert bench.run(provider=provider).outcome is Outcome.ABORTED
    assert provider.kept == tokens(bench, 1)


def test_a_machine_that_comes_up_ends_a_job_that_is_stopped(bench: Bench) -> None:
    class ComesUp(Played):
        looks = 0

        def look(self, token: str) -> Fleet:
            self.looks += 1
            if self.looks == _LONG:
                bench.done()
            return Fleet(machines=(Machine(name=MACHINE, state=State.STARTING),))

    provider = ComesUp(lambda: bench.spool.ask_stop(bench.slip.name))
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    assert provider.looks == _LONG


def test_a_job_that_is_stopped_while_aws_is_away_has_ended_for_everybody(bench: Bench) -> None:
    class Away(Played):
        def keep(self, order: Order) -> Fleet:
            self.see(order)
            bench.spool.ask_stop(bench.slip.name)
            return Fleet()

        def look(self, token: str) -> Fleet:
            raise ProviderUnreachableError("no answer")

    card = bench.run(provider=Away())
    assert (card.outcome, card.reason) == (Outcome.ABORTED, "stopped; no answer")
    end = bench.records.end()
    assert end is not None
    assert end.outcome is Outcome.ABORTED


def test_two_troubles_far_apart_give_no_stopped_job_up(bench: Bench) -> None:
    """A machine is at work on its end; it has the time for that."""

    class Shaky(Played):
        looks = 0

        def look(self, token: str) -> Fleet:
            self.looks += 1
            if self.looks in {2, 200}:
                raise ProviderUnreachableError("no answer")
            if self.looks == 300:
                bench.done()
            return Fleet(machines=(Machine(name=MACHINE, state=State.UP),))

    provider = Shaky(lambda: bench.spool.ask_stop(bench.slip.name))
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    assert provider.ended == []


def test_where_there_is_no_spot_machine_one_on_demand_is_ordered_after_5_min(bench: Bench) -> None:
    provider = Selling(bench, has=Market.ON_DEMAND)
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    first, second = tokens(bench, 1, 2)
    assert provider.kept == [first, second]
    assert provider.ended == [first]
    waited = sum(order.token == first for order in provider.orders) * _LOOK_S
    assert 300 <= waited < 310
    assert bench.records.launch(1).offer.market is Market.SPOT
    assert bench.records.launch(2).offer.market is Market.ON_DEMAND
    assert provider.orders[-1].offer.kinds == bench.records.launch(1).offer.kinds


def test_a_job_for_which_there_is_no_machine_says_so_and_waits(bench: Bench) -> None:
    notes: set[str] = set()

    class Later(Selling):
        def keep(self, order: Order) -> Fleet:
            notes.add(bench.card().note)
            self.has = Market.ON_DEMAND if len(self.orders) > _LONG else None
            return super().keep(order)

    provider = Later(bench, has=None)
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    assert "waits for a machine: no capacity" in notes
    assert provider.kept == tokens(bench, 1, 2)


def test_another_courier_goes_on_with_what_was_offered(bench: Bench) -> None:
    offer = Offer(("g6.xlarge",), Market.SPOT)
    bench.records.put_launch(1, "played", tokens(bench, 1)[0], Launch(offer=offer))
    provider = Selling(bench, has=Market.SPOT)
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    assert [order.offer for order in provider.orders[:1]] == [offer]
    assert {order.disk_gib for order in provider.orders} == {70}


def test_machines_begin_with_the_image_that_was_wished(bench: Bench) -> None:
    job = bench.slip.job
    bench.slip = replace(bench.slip, job=replace(job, wish=replace(job.wish, image="relion")))
    provider = Selling(bench, has=Market.SPOT)
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS
    assert {order.image for order in provider.orders} == {"relion"}
