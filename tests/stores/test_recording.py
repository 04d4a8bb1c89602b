"""What programs ask of a store reaches the ledger, whoever dies and whatever fails."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.carried import Carried
from cryoem_cloud.model.charge import Charge, What
from cryoem_cloud.model.errors import SettingsError, StoreUnreachableError
from cryoem_cloud.model.keys import job_key, ledger_prefix, mirror_key
from cryoem_cloud.model.storage_prices import FREE, GB
from cryoem_cloud.model.usage import Asking, Tariff
from cryoem_cloud.planner.catalog.tables import store_prices
from cryoem_cloud.ports.meter import Asked
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.held import Held
from cryoem_cloud.stores.held_days import look_at_holding
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.meters import Cause, Metered, StoreMeter
from cryoem_cloud.stores.recording import Recorder

PROJECT = "apoferritin-1a2b3c4d"
PRICES = store_prices("aws", "us-east-1")
TODAY = date(2026, 11, 29)


class Bench:
    """A program's store, with its meter, and who records it."""

    def __init__(self, below: Store, asker: str = "courier-1", *, brings_home: bool = True) -> None:
        self.meter = StoreMeter(lambda: "2026-11")
        self.store = Metered(below, self.meter)
        self.recorder = Recorder(
            asker=asker,
            metered=lambda: [(self.store, self.meter)],
            tariff=lambda _: Tariff.of(PRICES),
            brings_home=brings_home,
        )


def charges(store: Store, what: What, job: int | None = None) -> list[Charge]:
    return [each for each in Ledger(store, PROJECT).charges(job) if each.what is what]


def requests(store: Store) -> int:
    return sum(each.requests for each in charges(store, What.REQUESTS))


def test_requests_are_counted_by_project_job_and_month() -> None:
    bench = Bench(MemoryStore())
    bench.store.put(job_key(PROJECT, 7), b"x")
    bench.store.get(job_key(PROJECT, 7))
    bench.store.put(f"{PROJECT}/{mirror_key('a')}", b"x")
    bench.store.put("ids/00000001", b"x")
    list(bench.store.list(f"{PROJECT}/jobs/"))
    bench.store.put(f"budgets/{PROJECT}/log/000001", b"x")
    assert bench.meter.sums() == {
        Cause(PROJECT, 7, "2026-11"): Asking(writes=1, reads=1, home_bytes=1),
        Cause(PROJECT, 0, "2026-11"): Asking(writes=3),
    }


def test_what_a_job_has_asked_is_its_own_charge() -> None:
    below = MemoryStore()
    bench = Bench(below)
    below.put(job_key(PROJECT, 7), b"x" * 2**20)
    with bench.recorder:
        bench.store.get(job_key(PROJECT, 7))
    (requests_,) = charges(below, What.REQUESTS, 7)
    (home,) = charges(below, What.EGRESS, 7)
    assert requests_.requests == 2  # what was read, and the record itself
    assert home.usd == Decimal("0.09") * 2**20 / GB


def test_bytes_that_stay_in_the_providers_network_cost_nothing() -> None:
    below = MemoryStore()
    below.put(job_key(PROJECT, 7), b"x" * 2**20)
    bench = Bench(below, brings_home=False)
    with bench.recorder:
        bench.store.get(job_key(PROJECT, 7))
    assert not charges(below, What.EGRESS)
    assert charges(below, What.REQUESTS)


@given(st.lists(st.lists(st.integers(0, 5), max_size=5), min_size=1, max_size=4))
def test_whoever_is_killed_what_was_recorded_counts_once(runs: list[list[int]]) -> None:
    """Each run asks so often before each record, and is killed after the last one."""
    below, expected = MemoryStore(), 0
    for number, asked in enumerate(runs):
        bench = Bench(below, f"courier-{number}")
        for times in asked:
            for _ in range(times):
                bench.store.put(job_key(PROJECT, 7), b"x")
            bench.recorder.write()
        records = sum(1 for at in range(len(asked)) if any(asked[: at + 1]) and asked[at])
        expected += sum(asked) + records
        bench.store.put(job_key(PROJECT, 7), b"x")  # then it is killed
    assert requests(below) == expected


class Failing(Held):
    """Writes the record and loses the reply, or does not write it."""

    def __init__(self, store: Store, fates: str) -> None:
        super().__init__(store)
        self.fates = list(fates)

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        fate = self.fates.pop(0) if ledger_prefix(PROJECT) in key and self.fates else "+"
        if fate != "-":
            super().put(key, data, if_absent=if_absent)
        if fate != "+":
            raise StoreUnreachableError("no reply")


@pytest.mark.parametrize("fates", ["-", "?", "-?", "?-", "??"])
def test_a_record_that_is_lost_is_told_again(fates: str) -> None:
    below = MemoryStore()
    bench = Bench(Failing(below, fates))
    bench.store.put(job_key(PROJECT, 7), b"x")
    for _ in range(1 + len(fates)):
        bench.recorder.write()
    assert requests(below) == 1 + len(fates) + 1  # the job's, and the tries to record
    bench.recorder.write()
    assert requests(below) == 1 + len(fates) + 1


def test_who_comes_later_in_a_process_does_not_count_what_was_asked_before() -> None:
    below = MemoryStore()
    bench = Bench(below)
    with bench.recorder:
        bench.store.put(job_key(PROJECT, 7), b"x")
    second = Recorder(
        asker="command-2",
        metered=bench.recorder.metered,
        tariff=bench.recorder.tariff,
    )
    with second:
        bench.store.put(job_key(PROJECT, 7), b"x")
    assert requests(below) == 4  # two, and the records of both


def test_settings_that_cannot_be_read_keep_nobody_from_work_and_it_is_told_later() -> None:
    below = MemoryStore()
    bench = Bench(below)
    good = bench.recorder.tariff

    def unreadable(store: Store) -> Tariff:
        raise SettingsError(f"{store.url}: no such account")

    bench.recorder.tariff = unreadable
    bench.store.put(job_key(PROJECT, 7), b"x")
    bench.recorder.write()
    assert requests(below) == 0
    bench.recorder.tariff = good
    bench.recorder.write()
    assert requests(below) == 2


def test_what_costs_nothing_is_not_recorded() -> None:
    below = MemoryStore()
    bench = Bench(below)
    bench.recorder.tariff = lambda _: Tariff.of(FREE)
    with bench.recorder:
        bench.store.put(job_key(PROJECT, 7), b"x")
    assert [item.key for item in below.list(ledger_prefix(PROJECT))] == []


class Plain(Held):
    """Without classes, as those are that tell no meter themselves."""

    @property
    def classes(self) -> None:
        return None


def test_a_store_is_looked_at_once_a_day() -> None:
    below = MemoryStore()
    bench = Bench(Plain(below))
    below.put(f"{PROJECT}/{mirror_key('a')}", b"x" * 1000)
    for _ in range(3):
        look_at_holding(bench.store, PROJECT, PRICES, TODAY)
        below.put(f"{PROJECT}/{mirror_key('b')}", b"x" * 1000)
    assert bench.meter.sums()[Cause(PROJECT, 0, "2026-11")].writes == 2  # a listing, a record
    (charge,) = charges(below, What.STORE)
    assert charge.gb_months == Decimal(1000) / GB / 30
    assert charge.usd == Decimal("0.023") * charge.gb_months
    assert not charges(below, What.STORE, 7)


def test_who_has_listed_the_store_spares_the_look() -> None:
    below = MemoryStore()
    bench = Bench(Plain(below))
    look_at_holding(bench.store, PROJECT, PRICES, TODAY, sizes={"GLACIER_IR": 30 * GB})
    assert bench.meter.sums()[Cause(PROJECT, 0, "2026-11")].writes == 1
    (charge,) = charges(below, What.STORE)
    assert (charge.kind, charge.usd) == ("GLACIER_IR", Decimal("0.004"))


def test_where_keeping_costs_nothing_nobody_looks() -> None:
    bench = Bench(MemoryStore())
    look_at_holding(bench.store, PROJECT, FREE, TODAY)
    assert not bench.meter.sums()


def test_what_earlier_versions_recorded_of_bytes_home_counts() -> None:
    below = MemoryStore()
    at = datetime(2026, 11, 29, tzinfo=UTC)
    carried = Carried(job=7, at=at, size=10 * GB, usd_per_gb=Decimal("0.09"))
    below.put(f"{ledger_prefix(PROJECT)}00000007/home/courier-0-5f1d", carried.to_bytes())
    (charge,) = charges(below, What.EGRESS, 7)
    assert (charge.usd, charge.gigabytes) == (Decimal("0.9"), Decimal(10))


def test_a_long_listing_is_several_requests() -> None:
    below = MemoryStore()
    bench = Bench(below)
    for number in range(1001):
        below.put(f"{PROJECT}/jobs/{number}", b"")
    list(bench.store.list(f"{PROJECT}/jobs/"))
    assert bench.meter.sums()[Cause(PROJECT, 0, "2026-11")] == Asking(writes=2)


def test_a_large_stream_is_as_many_requests_as_it_has_pieces() -> None:
    bench = Bench(MemoryStore())
    size = 16 * 2**20 + 1
    bench.store.put_stream(f"{PROJECT}/mirror/a", [b"x" * size], size=size)
    assert bench.meter.sums()[Cause(PROJECT, 0, "2026-11")] == Asking(writes=4)
    bench.meter.asked(f"{PROJECT}/mirror/a", Asked.FREE)
    assert bench.meter.sums()[Cause(PROJECT, 0, "2026-11")].requests == 4
