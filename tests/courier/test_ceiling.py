"""What machines have cost until now, of which a hard budget takes its measure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.courier.money.ceiling import Ceiling, cost_until
from cryoem_cloud.model.charge import Rate, Sighting, Witness
from cryoem_cloud.model.keys import budget_prefix, turn_key
from cryoem_cloud.model.life import Life
from cryoem_cloud.model.usd import ZERO
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.clock import StoppedClock

PROJECT, MONTH = "lab-0a1b2c3d", "2026-01"
TOKEN = f"{PROJECT}-00000007-1"
BEGIN = datetime(2026, 1, 3, tzinfo=UTC)
NOW = BEGIN + timedelta(days=2)
RATE = Rate(usd_per_hour=Decimal("3.60"), source="a list")
"""A dollar in 1000 s."""

ages = st.integers(-1000, 2000)
"""Seconds since a machine was last seen; another computer's clock may be ahead."""
machines = st.builds(
    lambda age, lasts, over, priced: Life(
        machine="i-1",
        job=7,
        first=NOW - timedelta(seconds=age + lasts),
        last=NOW - timedelta(seconds=age),
        over=over,
        rate=(BEGIN, RATE) if priced else None,
    ),
    ages,
    st.integers(0, 3 * 24 * 3600),
    st.booleans(),
    st.booleans(),
)


def known(lives: list[Life]) -> Decimal:
    """What the ledger says."""
    charges = [charge for life in lives for charge in life.charges(PROJECT)]
    return sum((charge.usd or ZERO for charge in charges if charge.month == MONTH), ZERO)


@given(st.lists(machines))
def test_it_is_what_the_ledger_says_and_what_runs_has_cost_since(lives: list[Life]) -> None:
    cost = cost_until(NOW, lives, MONTH, PROJECT)
    assert cost >= known(lives)
    there = [e for e in lives if e.last and not e.over and e.rate and e.last < NOW]
    lately = [e for e in there if e.last and NOW - e.last <= timedelta(minutes=11)]
    more = sum((Decimal((NOW - e.last).seconds) / 1000 for e in lately if e.last), ZERO)
    assert cost == known(lives) + more


@given(st.lists(machines))
def test_what_is_over_costs_no_more_later(lives: list[Life]) -> None:
    ended = [replace(life, over=True) for life in lives]
    assert cost_until(NOW, ended, MONTH, PROJECT) == known(ended)


@given(
    lasts=st.integers(1, 7200),
    spent_s=st.integers(0, 1200),
    limit=st.decimals(0, 10, places=2),
    hard=st.booleans(),
)
def test_a_limit_is_reached_once_so_much_was_spent_and_only_a_hard_one(
    *, lasts: int, spent_s: int, limit: Decimal, hard: bool
) -> None:
    """What ended fleets have cost, and what runs, counts once each."""
    store, clock = MemoryStore(), StoppedClock()
    log, ledger = BudgetLog(store, PROJECT), Ledger(store, PROJECT)
    clock.sleep(timedelta(days=1).total_seconds())
    now = clock.now()
    spent = Decimal(spent_s) / 1000
    month = f"{now:%Y-%m}"
    until = now + timedelta(days=1)
    log.reserve(TOKEN, {month: Decimal(50)}, until=until, by="ada")
    log.reserve(f"{TOKEN}+more", {month: Decimal(50)}, until=until, by="ada")
    log.reserve(f"{PROJECT}-00000006-1", {month: Decimal(50)}, until=until, by="ada")
    log.release(f"{PROJECT}-00000006-1", {month: spent}, by="courier")
    log.set_limit(limit, by="ada", hard=hard)
    for job, token in ((7, TOKEN), (7, f"{PROJECT}-00000007-0"), (6, f"{PROJECT}-00000006-1")):
        seen = Sighting(
            machine=f"i-{token}",
            job=job,
            witness=Witness.COURIER,
            since=now.replace(microsecond=0) - timedelta(seconds=lasts),
            until=now.replace(microsecond=0),
            token=token,
            rate=RATE,
        )
        ledger.put(seen, "courier")
    why = Ceiling(log=BudgetLog(store, PROJECT), ledger=ledger, clock=clock).reached()
    assert bool(why) == (hard and spent + Decimal(lasts) / 1000 >= limit)


def test_a_budget_that_cannot_be_read_ends_nothing() -> None:
    store = MemoryStore()
    log = BudgetLog(store, PROJECT)
    log.set_limit(Decimal(0), by="ada", hard=True)
    ceiling = Ceiling(log=log, ledger=Ledger(store, PROJECT), clock=StoppedClock())
    store.put(turn_key(budget_prefix(PROJECT), 2), b'{"kind":"budget","v":99}', if_absent=True)
    assert ceiling.reached() == ""
