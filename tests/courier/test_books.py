"""The ledger under fire: couriers and agents that crash between any two writes, replies that are
lost, writes that land late. No machine-second that was recorded is lost, and none counts twice.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cryoem_cloud.agent.sighted import Sighted
from cryoem_cloud.courier.money.books import AGAIN_S, Books
from cryoem_cloud.model.charge import Rate, Sighting, What, Witness
from cryoem_cloud.model.life import Life
from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.remembered import Remembered
from cryoem_cloud.testing.clock import StoppedClock
from cryoem_cloud.testing.faults import Fault, FaultyStore

PROJECT = "p-1a2b3c4d"
ORDER = Order(
    token=f"{PROJECT}-00000007-1",
    store="memory:",
    project=PROJECT,
    job=7,
    count=1,
    offer=Offer(("m5.large",)),
    limit_s=86_400.0,
    owner="ada@workstation",
)
RATE = Rate(usd_per_hour=Decimal("3.60"), source="a list")
START = datetime(2026, 1, 1, tzinfo=UTC)


def books(store: FaultyStore | MemoryStore, clock: StoppedClock, who: str = "courier-1") -> Books:
    return Books(
        ledger=Ledger(store, PROJECT),
        who=who,
        where="aws",
        sells=True,
        rates=lambda _: RATE,
        clock=clock,
    )


def fleet(state: State, *, since: str = "", until: str = "", name: str = "i-1") -> Fleet:
    machine = Machine(name=name, state=state, kind="m5.large", since=since, until=until)
    return Fleet(machines=(machine,))


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


class Writers(RuleBasedStateMachine):
    """One machine, two couriers, its agent. Its provider tells its launch (`dates`), its end."""

    @initialize(dates=st.booleans(), tells=st.booleans())
    def launched(self, *, dates: bool, tells: bool) -> None:
        self.dates = dates
        self.store, self.plan = MemoryStore(), list[Fault]()
        self.faulty = FaultyStore(
            self.store, lambda *_: self.plan.pop(0) if self.plan else Fault.NONE
        )
        self.clock, self.tells = StoppedClock(START), tells and dates
        self.ended_s: float | None = None
        self.cache = TemporaryDirectory()
        self.remembered = Remembered(Path(self.cache.name))
        self.couriers = [books(self.faulty, self.clock, f"courier-{n}") for n in range(2)]
        self.agent: Sighted | None = None
        self.looked: set[int] = set()

    @rule(seconds=st.integers(1, 4000))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_(seconds)

    @rule(which=st.integers(0, 1), fault=st.sampled_from(Fault))
    def a_courier_looks(self, which: int, fault: Fault) -> None:
        self.plan = [] if fault is Fault.NONE else [fault]
        told = self.ended_s is not None and self.tells
        fresh = which not in self.looked
        self.looked.add(which)
        self.couriers[which].look(
            fleet(
                State.UP if self.ended_s is None else State.GONE,
                since=at(0) if self.dates else "",
                until=at(self.ended_s or 0) if told else "",
            ),
            ORDER,
        )
        if fresh and fault is Fault.NONE and (self.dates or self.ended_s is None):
            assert list(self.store.list(""))

    @rule(which=st.integers(0, 1))
    def a_courier_is_killed_and_comes_back(self, which: int) -> None:
        self.couriers[which] = books(self.faulty, self.clock, f"courier-{which}")
        self.looked.discard(which)

    @precondition(lambda self: self.ended_s is None)
    @rule(fault=st.sampled_from(Fault))
    def the_agent_looks(self, fault: Fault) -> None:
        self.plan = [] if fault is Fault.NONE else [fault]
        if self.agent is None:
            self.agent = Sighted(
                Ledger(self.faulty, PROJECT),
                Sighting(
                    machine="i-1",
                    job=7,
                    witness=Witness.AGENT,
                    since=None,
                    until=None,
                    kind="m5.large",
                ),
                limit_s=lambda: 86_400.0,
                clock=self.clock,
            )
        self.agent.look()

    @precondition(lambda self: self.ended_s is None and self.clock.monotonic() > 0)
    @rule(says=st.booleans())
    def the_machine_ends(self, *, says: bool) -> None:
        self.plan = []
        if says and self.agent is not None:
            self.agent.end()
        self.ended_s = self.clock.monotonic()

    @precondition(lambda self: self.faulty.late)
    @rule()
    def a_late_write_lands(self) -> None:
        self.faulty.land()

    def teardown(self) -> None:
        self.cache.cleanup()

    @rule(how=st.sampled_from(["lost", "torn", "no database", "another's"]), seed=st.randoms())
    def what_is_remembered_suffers(self, how: str, seed: Random) -> None:
        for file in Path(self.cache.name).glob("*.sqlite"):
            data = bytearray(file.read_bytes())
            if how == "lost":
                file.unlink()
            elif how == "torn":
                for _ in range(20):
                    data[seed.randrange(len(data))] ^= 1 << seed.randrange(8)
                file.write_bytes(data)
            elif how == "no database":
                file.write_bytes(b"no database")
            else:
                with closing(sqlite3.connect(file)) as db, db:
                    db.execute(
                        "update record set"
                        " data = cast(replace(cast(data as text), '2026', '2025') as blob)"
                    )

    @invariant()
    def what_is_remembered_changes_no_sum(self) -> None:
        kept = Ledger(self.store, PROJECT, self.remembered)
        anew = Ledger(self.store, PROJECT)
        assert kept.charges() == anew.charges()
        seconds = sum(each.seconds for each in kept.charges() if each.what is What.MACHINE)
        assert seconds == sum(life.seconds for life in anew.lives())

    @invariant()
    def no_second_is_lost_or_counted_twice(self) -> None:
        records = [Sighting.from_bytes(self.store.get(item.key)) for item in self.store.list("")]
        found = Ledger(self.store, PROJECT).lives()
        assert len(found) == (1 if records else 0)
        there_s = self.clock.monotonic() if self.ended_s is None else self.ended_s
        for life in found:
            official = [r for r in records if r.witness is Witness.PROVIDER]
            begins = [r.since for r in records if r.since]
            ends = [r.until for r in records if r.until]
            if official:
                assert life.seconds == self.ended_s
            elif ends:
                assert life.seconds == (max(ends) - min(begins)).total_seconds()
            if official or not any(r.ended and r.witness is Witness.COURIER for r in records):
                assert life.seconds <= there_s


TestWriters = Writers.TestCase
TestWriters.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)


@dataclass
class Bench:
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(START))

    @property
    def life(self) -> Life:
        (found,) = Ledger(self.store, PROJECT).lives()
        return found


def test_a_machine_is_recorded_every_five_minutes_and_at_its_end() -> None:
    bench = Bench()
    mine = books(bench.store, bench.clock)
    for _ in range(100):
        mine.look(fleet(State.UP, since=at(0)), ORDER)
        bench.clock.pass_(6)
    assert len(list(bench.store.list(""))) == 2
    assert bench.life.seconds == AGAIN_S
    assert mine.look(fleet(State.LEFT, since=at(0), until=at(595)), ORDER)
    assert (bench.life.seconds, bench.life.over) == (595, True)
    mine.look(fleet(State.LEFT, since=at(0), until=at(595)), ORDER)
    assert len(list(bench.store.list(""))) == 3


def test_an_end_that_was_watched_counts_where_the_provider_tells_none() -> None:
    bench = Bench()
    mine = books(bench.store, bench.clock)
    mine.look(fleet(State.UP, since=at(0)), ORDER)
    bench.clock.pass_(90)
    mine.look(fleet(State.GONE, since=at(0)), ORDER)
    assert (bench.life.seconds, bench.life.ended) == (90, None)


def test_an_end_that_nobody_watched_is_left_to_the_agent() -> None:
    bench = Bench()
    bench.clock.pass_(3000)
    books(bench.store, bench.clock).look(fleet(State.GONE, since=at(0)), ORDER)
    assert (bench.life.seconds, bench.life.over) == (0, True)


def test_a_courier_that_comes_later_hides_nothing_where_no_times_are_told() -> None:
    """As of this computer's machines: a restarted courier finds them ended, and knows no more."""
    bench = Bench()
    first = books(bench.store, bench.clock)
    first.look(fleet(State.UP), ORDER)
    bench.clock.pass_(4)
    first.look(fleet(State.LEFT), ORDER)
    bench.clock.pass_(5)
    assert books(bench.store, bench.clock).look(fleet(State.LEFT), ORDER)
    assert (bench.life.seconds, len(list(bench.store.list("")))) == (4, 2)


def test_all_ends_that_a_witness_told_are_read() -> None:
    bench = Bench()
    ledger = Ledger(bench.store, PROJECT)
    said = Sighting(machine="i-1", job=7, witness=Witness.COURIER, since=START, until=None)
    for since, until in ((0, 0), (0, 4), (9, None)):
        ledger.put(
            replace(
                said,
                since=START + timedelta(seconds=since),
                until=None if until is None else START + timedelta(seconds=until),
                ended=until != 0,
            ),
            "courier-1",
        )
    assert bench.life.seconds == 4


def test_what_a_machine_writes_into_the_ledger_stops_nobody() -> None:
    bench = Bench()
    books(bench.store, bench.clock).look(fleet(State.UP, since=at(0)), ORDER)
    below = f"{PROJECT}/ledger/00000007/machines/i-1/agent"
    bench.store.put(f"{below}/0", b"no record")
    said = Sighting(
        machine="i-1", job=7, witness=Witness.AGENT, since=START, until=START, kind="\x1b[2J"
    )
    bench.store.put(f"{below}/1", said.to_bytes())
    bench.store.put(f"{PROJECT}/ledger/odd", b"")
    assert bench.life.kind == "m5.large"
    assert Sighting.from_bytes(said.to_bytes()).kind == r"\x1b[2J"


def test_a_store_that_is_away_is_told_later() -> None:
    bench = Bench()
    plan = [Fault.REFUSED]
    mine = books(
        FaultyStore(bench.store, lambda *_: plan.pop() if plan else Fault.NONE), bench.clock
    )
    assert not mine.look(fleet(State.GONE, since=at(0), until=at(9)), ORDER)
    bench.clock.pass_(AGAIN_S)
    assert mine.look(fleet(State.GONE, since=at(0), until=at(9)), ORDER)
    assert bench.life.seconds == 9


def test_machines_of_this_computer_are_free_unless_they_have_a_price() -> None:
    bench = Bench()
    free = replace(books(bench.store, bench.clock), sells=False, rates=lambda _: None)
    assert free.look(fleet(State.UP), ORDER)
    assert list(bench.store.list("")) == []
    replace(books(bench.store, bench.clock), sells=False).look(fleet(State.UP), ORDER)
    assert bench.life.rate == (START, RATE)


def test_an_agent_that_cannot_reach_the_store_works_on() -> None:
    store = FaultyStore(MemoryStore(), lambda *_: Fault.REFUSED)
    seen = Sighting(machine="i-1", job=7, witness=Witness.AGENT, since=None, until=None)
    mine = Sighted(Ledger(store, PROJECT), seen, limit_s=lambda: 60.0, clock=StoppedClock(START))
    mine.look()
    mine.end()
