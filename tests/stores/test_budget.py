"""A budget under fire: couriers that crash, replies that are lost, writes that land late.

Whatever hypothesis makes of it, what was approved together is never more than the limit was.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cryoem_cloud.model.errors import BudgetError, FormatError, StoreUnreachableError
from cryoem_cloud.model.usd import ZERO
from cryoem_cloud.stores.budget import (
    Balance,
    BudgetLog,
    Deed,
    Entry,
    approve,
    approved,
    carry_over,
)
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault, FaultyStore

PROJECT = "p-1a2b3c4d"
UNTIL = datetime(2026, 12, 1, tzinfo=UTC)
MONTHS = ("2026-11", "2026-12")
AMOUNTS = st.integers(0, 60).map(Decimal)
FAULTS: st.SearchStrategy[list[Fault]] = st.just([]) | st.lists(st.sampled_from(Fault), max_size=3)


def entries(store: MemoryStore) -> list[Entry]:
    return [Entry.from_bytes(store.get(item.key)) for item in store.list("budgets/")]


class Spending(RuleBasedStateMachine):
    """Couriers that order fleets and release them, and a user who changes the limit."""

    @initialize(limit=AMOUNTS)
    def begun(self, limit: Decimal) -> None:
        self.store, self.plan = MemoryStore(), list[Fault]()
        self.faulty = FaultyStore(
            self.store, lambda *_: self.plan.pop(0) if self.plan else Fault.NONE
        )
        BudgetLog(self.store, PROJECT).set_limit(limit, by="ada")
        self.couriers = [BudgetLog(self.faulty, PROJECT) for _ in range(3)]
        self.granted: dict[str, Decimal] = {}
        self.fleets = 0

    @rule(which=st.integers(0, 2), asked=st.tuples(st.sampled_from(MONTHS), AMOUNTS), faults=FAULTS)
    def a_fleet_is_wanted(
        self, which: int, asked: tuple[str, Decimal], faults: list[Fault]
    ) -> None:
        self.fleets += 1
        self.want(which, asked, faults)

    @rule(which=st.integers(0, 2), asked=st.tuples(st.sampled_from(MONTHS), AMOUNTS), faults=FAULTS)
    def a_fleet_is_wanted_again(
        self, which: int, asked: tuple[str, Decimal], faults: list[Fault]
    ) -> None:
        """As by a courier that goes on with what another one began."""
        self.want(which, asked, faults)

    def want(self, which: int, asked: tuple[str, Decimal], faults: list[Fault]) -> None:
        month, amount = asked
        token = f"fleet-{self.fleets}"
        self.plan = list(faults)
        try:
            self.couriers[which].reserve(token, {month: amount}, until=UNTIL, by="courier")
        except (BudgetError, StoreUnreachableError):
            return
        finally:
            self.plan = []
        self.granted[token] = amount
        assert token in Balance.of(entries(self.store)).reserved

    @rule(
        which=st.integers(0, 2), fleet=st.integers(1, 9), share=st.integers(0, 100), faults=FAULTS
    )
    def a_fleet_is_gone(self, which: int, fleet: int, share: int, faults: list[Fault]) -> None:
        token = f"fleet-{fleet}"
        held = Balance.of(entries(self.store)).reserved.get(token, {})
        spent = {month: amount * share / 100 for month, amount in held.items()}
        self.plan = list(faults)
        try:
            self.couriers[which].release(token, spent, by="courier")
        except StoreUnreachableError:
            return
        finally:
            self.plan = []
        assert token not in Balance.of(entries(self.store)).reserved

    @rule(limit=AMOUNTS)
    def the_limit_is_changed(self, limit: Decimal) -> None:
        BudgetLog(self.store, PROJECT).set_limit(limit, by="ada")

    @rule(which=st.integers(0, 2))
    def a_courier_is_killed(self, which: int) -> None:
        self.couriers[which] = BudgetLog(self.faulty, PROJECT)

    @precondition(lambda self: self.faulty.late)
    @rule()
    def a_late_write_lands(self) -> None:
        self.faulty.land()

    @invariant()
    def what_is_approved_fits(self) -> None:
        """Summed by hand: at each reservation all that counts then is within the limit."""
        limit = ZERO
        counts: dict[str, dict[str, Decimal]] = {}
        for entry in entries(self.store):
            if entry.deed is Deed.LIMIT:
                assert entry.limit is not None
                limit = entry.limit
                continue
            kept = {f"{entry.token}/held": entry.months}
            if entry.deed is Deed.RELEASED:
                counts.pop(f"{entry.token}/held", None)
                kept = {f"{entry.token}/spent": entry.months}
            counts |= {name: dict(months) for name, months in kept.items()}
            if entry.deed is Deed.RESERVED and any(entry.months.values()):
                for month in entry.months:
                    assert sum(each.get(month, ZERO) for each in counts.values()) <= limit


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


def log(store: MemoryStore) -> BudgetLog:
    return BudgetLog(store, PROJECT)


def test_a_fleet_that_does_not_fit_is_refused_and_the_reason_told() -> None:
    store = MemoryStore()
    log(store).set_limit(Decimal(100), by="ada")
    log(store).reserve("one", {"2026-11": Decimal(70)}, until=UNTIL, by="c")
    with pytest.raises(BudgetError) as refused:
        log(store).reserve("two", {"2026-11": Decimal(31)}, until=UNTIL, by="c")
    assert refused.value.message == (
        "the project's budget for 2026-11 is $100.00, of which $70.00 is spent or reserved, "
        "and this may cost $31.00"
    )
    assert len(entries(store)) == 2
    log(store).reserve("two", {"2026-12": Decimal(31)}, until=UNTIL, by="c")


def test_a_warning_comes_at_four_fifths() -> None:
    store = MemoryStore()
    log(store).set_limit(Decimal(100), by="ada")
    balance = log(store).reserve("one", {"2026-11": Decimal("79.99")}, until=UNTIL, by="c")
    assert balance.warning("2026-11") == ""
    balance = log(store).reserve("two", {"2026-11": Decimal("0.01")}, until=UNTIL, by="c")
    assert "$80.00 of the project's budget of $100.00" in balance.warning("2026-11")


def test_what_is_reserved_counts_also_where_the_limit_came_later() -> None:
    store = MemoryStore()
    log(store).reserve("one", {"2026-11": Decimal(70)}, until=UNTIL, by="c")
    log(store).set_limit(Decimal(60), by="ada")
    with pytest.raises(BudgetError):
        log(store).reserve("two", {"2026-11": Decimal(1)}, until=UNTIL, by="c")
    log(store).release("one", {"2026-11": Decimal(5)}, by="c")
    log(store).reserve("two", {"2026-11": Decimal(55)}, until=UNTIL, by="c")
    log(store).set_limit(None, by="ada")
    balance = log(store).reserve("three", {"2026-11": Decimal(10**6)}, until=UNTIL, by="c")
    assert (balance.limit, balance.held("2026-11")) == (None, Decimal(10**6 + 55))


def test_a_reservation_that_stands_is_made_once() -> None:
    store = MemoryStore()
    for _ in range(2):
        log(store).reserve("one", {"2026-11": Decimal(70)}, until=UNTIL, by="c")
    log(store).release("two", {}, by="c")
    assert len(entries(store)) == 1
    for spent in (1, 1, 2, 2):  # the last of its machines was seen to end later
        log(store).release("one", {"2026-11": Decimal(spent)}, by="c")
    assert len(entries(store)) == 3
    assert log(store).read().months == {"2026-11": Decimal(2)}


def test_a_job_is_approved_once_and_for_all() -> None:
    store = MemoryStore()
    assert not approved(store, PROJECT, 7)
    approve(store, PROJECT, 7, by="ada")
    approve(store, PROJECT, 7, by="bob")
    assert approved(store, PROJECT, 7)
    assert b"ada" in store.get("budgets/p-1a2b3c4d/approved/00000007")


def test_a_budget_goes_along_where_its_project_goes_and_comes_back() -> None:
    here, there = MemoryStore(), MemoryStore()
    log(here).set_limit(Decimal(100), by="ada")
    approve(here, PROJECT, 7, by="ada")
    carry_over(here, there, PROJECT)
    log(there).reserve("one", {"2026-11": Decimal(70)}, until=UNTIL, by="c")
    assert approved(there, PROJECT, 7)
    carry_over(there, here, PROJECT)
    assert log(here).read() == log(there).read()
    assert log(here).read().held("2026-11") == Decimal(70)


def test_an_unknown_deed_is_refused() -> None:
    data = Entry(number=1, deed=Deed.LIMIT, nonce="n").to_bytes().replace(b"limit", b"gift")
    with pytest.raises(FormatError, match="gift"):
        Entry.from_bytes(data)


def test_what_is_shared_leaves_the_sum_as_it_is_and_needs_no_room() -> None:
    store = MemoryStore()
    found = log(store)
    found.set_limit(Decimal(60), by="ada")
    found.reserve("first", {"2026-11": Decimal(40), "2026-12": Decimal(20)}, until=UNTIL, by="ada")
    part = {"2026-11": Decimal(30), "2026-12": Decimal(20)}
    for _ in range(2):
        assert log(store).share("second", part, of="first", until=UNTIL, by="ada")
    balance = log(store).read()
    assert balance.reserved["second"] == part
    assert balance.reserved["first"] == {"2026-11": Decimal(10), "2026-12": Decimal(0)}
    assert balance.months == {"2026-11": Decimal(40), "2026-12": Decimal(20)}
    assert not log(store).share("third", part, of="first", until=UNTIL, by="ada")
    assert not log(store).share("third", part, of="none", until=UNTIL, by="ada")
    assert "third" not in log(store).read().reserved


def test_who_is_cut_off_as_a_fleet_gets_its_share_has_reserved_too_much_and_not_too_little() -> (
    None
):
    store = MemoryStore()
    log(store).reserve("first", {"2026-11": Decimal(40)}, until=UNTIL, by="ada")
    half = {"2026-11": Decimal(20)}

    class CutOffError(BaseException):
        pass

    class Cut(BudgetLog):
        def _lower(self, token: str, months: Mapping[str, Decimal], *, by: str) -> None:
            raise CutOffError

    with pytest.raises(CutOffError):
        Cut(store, PROJECT).share("second", half, of="first", until=UNTIL, by="ada")
    assert log(store).share("second", half, of="first", until=UNTIL, by="ada")
    assert log(store).read().months == {"2026-11": Decimal(60)}
