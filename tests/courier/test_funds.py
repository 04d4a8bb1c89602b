"""Fleets are ordered once their user and the budget allow it, and settled once they are gone."""

from dataclasses import replace
from decimal import Decimal

import pytest

from cryoem_cloud.cli.commands.why import explained
from cryoem_cloud.courier.money.accounts import Accounts
from cryoem_cloud.courier.money.costs import COSTS
from cryoem_cloud.courier.money.settling import reserve_more
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.errors import BudgetError
from cryoem_cloud.model.job import Outcome, Wish
from cryoem_cloud.model.keys import budget_prefix, turn_key
from cryoem_cloud.model.machine import Fleet
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.record import PROTOCOL, encode
from cryoem_cloud.model.task import MAIN
from cryoem_cloud.model.turn import Turn
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.budget import approve
from cryoem_cloud.stores.ledger import Ledger

from .conftest import MACHINE
from .ordering import Ordering, ordering

__all__ = ["ordering"]

MONTH = "2026-01"


def test_a_fleet_is_reserved_before_it_is_ordered_and_settled_once_it_is_gone(
    ordering: Ordering,
) -> None:
    held: list[Decimal] = []
    keep = ordering.provider.keep

    def kept(order: Order) -> Fleet:
        held.append(ordering.budget.read().held(MONTH))
        return keep(order)

    ordering.provider.keep = kept  # type: ignore[method-assign]  # looks before it is ordered
    ordering.run()
    assert set(held) == {Decimal("28.80")}, "24 h of one machine"
    card = ordering.bench.card()
    assert card.outcome is Outcome.SUCCESS
    assert Accounts(ordering.means).settled(ordering.provider, ordering.token, card)
    balance = ordering.budget.read()
    assert (balance.reserved, balance.months[MONTH]) == ({}, Decimal("0.20"))
    (life,) = Ledger(ordering.bench.store, card.project).lives()
    assert (life.seconds, life.ended is not None, life.submitter) == (600, True, "me")
    costs = (ordering.bench.project / COSTS).read_text()
    assert "$0.20" in costs


def test_the_jobs_log_ends_with_what_it_cost(ordering: Ordering) -> None:
    ordering.run()
    last = ordering.out.splitlines()[-2:]
    assert last == [
        "worked",
        "cryoem: job 1 cost $0.20: machines 10 min 00 s, $0.20 (so far; cryoem costs)",
    ]


def test_a_fleet_that_does_not_fit_waits_until_the_budget_is_raised(ordering: Ordering) -> None:
    ordering.budget.set_limit(Decimal(20), by="ada")
    notes: list[str] = []

    def raise_it() -> None:
        notes.append(ordering.bench.card().note)
        assert ordering.provider.kept == []
        ordering.budget.set_limit(Decimal(40), by="ada")

    ordering.at(60, raise_it)
    ordering.run()
    assert ordering.bench.card().outcome is Outcome.SUCCESS
    assert "the project's budget for 2026-01 is $20.00" in notes[0]
    assert "this may cost $28.80" in notes[0]


def test_a_shorter_limit_fits_a_smaller_budget(ordering: Ordering) -> None:
    slip = ordering.bench.slip
    ordering.bench.slip = replace(slip, job=replace(slip.job, wish=Wish(hours=4)))
    ordering.budget.set_limit(Decimal(20), by="ada")
    ordering.run()
    assert ordering.bench.card().outcome is Outcome.SUCCESS


def test_a_job_that_waits_for_its_budget_can_be_stopped(ordering: Ordering) -> None:
    ordering.budget.set_limit(Decimal(20), by="ada")
    ordering.at(60, lambda: ordering.bench.spool.ask_stop(ordering.bench.slip.name))
    ordering.run()
    assert ordering.bench.card().outcome is Outcome.ABORTED
    assert ordering.provider.kept == []


def test_without_a_price_nothing_is_ordered_where_there_is_a_budget(ordering: Ordering) -> None:
    ordering.means = replace(ordering.means, rates=lambda _: lambda _: None)
    ordering.budget.set_limit(Decimal(20), by="ada")
    notes: list[str] = []

    def drop_it() -> None:
        notes.append(ordering.bench.card().note)
        ordering.budget.set_limit(None, by="ada")

    ordering.at(60, drop_it)
    ordering.run()
    assert "no price is known of m7i.4xlarge, m6i.4xlarge, m6a.4xlarge" in notes[0]
    (life,) = Ledger(ordering.bench.store, ordering.bench.slip.project.name).lives()
    assert (life.seconds, life.rate) == (600, None)
    assert "of 10 min 00 s no price is known" in ordering.out


@pytest.mark.parametrize("afar", [False, True])
def test_a_dear_job_waits_for_approval_here_or_from_another_computer(
    ordering: Ordering, *, afar: bool
) -> None:
    bench, seen = ordering.bench, list[str]()
    ordering.settings = Settings(ask_above="20")

    def agree() -> None:
        seen.extend((bench.card().note, ordering.out))
        assert ordering.provider.kept == []
        if afar:
            approve(bench.store, bench.slip.project.name, bench.slip.job.number, by="bob")
        else:
            bench.spool.approve(bench.slip.name)

    ordering.at(60, agree)
    ordering.run()
    assert bench.card().outcome is Outcome.SUCCESS
    note, out = seen
    assert note.startswith("needs approval (cryoem approve 1): at most $28.80: 1 machine like m")
    assert out.startswith("before\ncryoem: job 1 needs approval, as it may cost more than $20\n")
    assert "cryoem approve 1 lets it go on" in out
    assert ordering.out.startswith("before\nworked\ncryoem: job 1 cost $0.20")


def test_a_cheap_job_asks_nobody(ordering: Ordering) -> None:
    ordering.settings = Settings(ask_above="28.80")
    ordering.run()
    assert ordering.bench.card().outcome is Outcome.SUCCESS


def test_a_budget_that_a_newer_version_wrote_makes_jobs_wait_until_it_can_be_read(
    ordering: Ordering,
) -> None:
    store, notes = ordering.bench.store, list[str]()
    key = turn_key(budget_prefix(ordering.bench.slip.project.name), 1)
    store.put(key, encode("budget", {"deed": "frozen"}, version=PROTOCOL + 1))

    def update() -> None:
        notes.append(ordering.bench.card().note)
        assert ordering.provider.kept == []
        store.delete(key)

    ordering.at(60, update)
    ordering.run()
    assert ordering.bench.card().outcome is Outcome.SUCCESS
    assert notes[0].startswith("waits, as the project's budget cannot be read")
    assert "update this computer's cryoem-cloud-tools" in notes[0]


def test_a_budget_of_a_newer_version_keeps_no_job_from_another_offer(ordering: Ordering) -> None:
    """What the fleet held that could not be had is released later."""
    store, log = ordering.bench.store, ordering.budget
    ordering.provider.has_none = Market.SPOT

    def update_elsewhere() -> None:
        key = turn_key(budget_prefix(ordering.bench.slip.project.name), 2)
        store.put(key, encode("budget", {"deed": "frozen"}, version=PROTOCOL + 1))

    def update() -> None:
        assert len(ordering.provider.kept) == 1
        store.delete(turn_key(budget_prefix(ordering.bench.slip.project.name), 2))

    ordering.at(60, update_elsewhere)
    ordering.at(900, update)
    ordering.run()
    assert ordering.bench.card().outcome is Outcome.SUCCESS
    assert ordering.provider.kept[1] in log.read().reserved


def test_from_four_fifths_on_a_warning_stands_with_the_job(ordering: Ordering) -> None:
    ordering.budget.set_limit(Decimal(30), by="ada")
    notes: list[str] = []
    keep = ordering.provider.keep

    def kept(order: Order) -> Fleet:
        notes.append(ordering.bench.card().note)
        return keep(order)

    ordering.provider.keep = kept  # type: ignore[method-assign]  # looks before it is ordered
    ordering.run()
    assert notes[0].startswith("$28.80 of the project's budget of $30.00 for 2026-01 is spent")


def test_more_time_has_to_fit_the_budget(ordering: Ordering) -> None:
    ordering.budget.set_limit(Decimal(30), by="ada")

    def extend() -> None:
        ledger = Ledger(ordering.bench.store, ordering.bench.slip.project.name)
        now = ordering.clock.now()
        with pytest.raises(BudgetError, match=r"this may cost \$2.40"):
            reserve_more(ordering.budget, ledger, ordering.token, by_s=7200, now=now)
        reserve_more(ordering.budget, ledger, ordering.token, by_s=3600, now=now)
        assert ordering.budget.read().held(MONTH) == Decimal("30.00")

    ordering.at(60, extend)
    ordering.run()
    card = ordering.bench.card()
    assert Accounts(ordering.means).settled(ordering.provider, ordering.token, card)
    balance = ordering.budget.read()
    assert (balance.reserved, balance.months[MONTH]) == ({}, Decimal("0.20"))


@pytest.mark.parametrize("hard", [False, True])
def test_what_runs_is_ended_in_order_where_a_hard_budget_is_spent(
    ordering: Ordering, *, hard: bool
) -> None:
    """A machine at $1.20 an hour has cost $0.05 after 150 s."""
    bench, asked = ordering.bench, list[tuple[float, str, str]]()
    claims: list[Turn] = []

    def work() -> None:
        claim = bench.records.turns(MAIN).claim(MACHINE)
        assert claim is not None
        claims.append(claim)
        bench.page(1, phase="running")
        ordering.budget.set_limit(Decimal("0.05"), by="ada", hard=hard)

    def heed() -> None:
        """The machine ends at the wish, or at its work's end, with what it has made."""
        wish = bench.records.asked(1)
        if claims and not ordering.provider.gone and (wish or ordering.clock.monotonic() > 400):
            assert wish in {None, Control.STOP}
            asked.append((ordering.clock.monotonic(), bench.records.asked_why(), bench.card().note))
            ordering.provider.gone = True
            how = {"outcome": "aborted", "code": 1, "reason": "stopped"} if wish else {}
            bench.end_turn(claims[0], (), pages=1, **how)

    ordering.at(60, work)
    ordering.at_each_look(heed)
    ordering.run()
    ((when_s, why, note),) = asked
    card = bench.card()
    if not hard:
        assert (card.outcome, why) == (Outcome.SUCCESS, "")
        return
    assert 150 <= when_s <= 150 + 40
    assert why.startswith("stopped as the project's hard budget of $0.05 for 2026-01 is spent")
    assert note == why
    assert (card.outcome, card.reason) == (Outcome.ABORTED, why)
    assert why in ordering.out
    said = explained(card, courier=True, here=False)
    assert f"was {why}. " in said


def test_what_was_reserved_for_machines_that_there_are_not_is_free_for_others(
    ordering: Ordering,
) -> None:
    """No Spot machine came for five minutes; one on demand has the same room in the budget."""
    ordering.budget.set_limit(Decimal(40), by="ada")
    ordering.provider.has_none = Market.SPOT
    ordering.run()
    assert ordering.bench.card().outcome is Outcome.SUCCESS
    assert ordering.clock.monotonic() < 3600, "nobody waited for the first one's hard limit"
    assert len(ordering.provider.kept) == 2
    assert set(ordering.budget.read().reserved) == {ordering.provider.kept[1]}
