"""Trying again: how long, how often, and what is never lost or doubled by it."""

from collections.abc import Callable

import pytest

from cryoem_cloud.model.errors import ObjectExistsError, ObjectMissingError, StoreUnreachableError
from cryoem_cloud.ports.store import CHUNK_BYTES, Store
from cryoem_cloud.stores.counted import Counted
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.patient import Patience, Patient
from cryoem_cloud.testing.clock import StoppedClock
from cryoem_cloud.testing.faults import Fault, FaultyStore
from cryoem_cloud.testing.store_contract import StoreContract

PATIENCE_S = 8.0


class TestPatientStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return Patient(Counted(MemoryStore()), Patience(PATIENCE_S))


class Bench:
    """A patient store over one that fails as planned, and everything that is looked at."""

    def __init__(self, chance: float = 1.0) -> None:
        self.plan: list[Fault] = []
        self.clock = StoppedClock()
        self.inner = MemoryStore()
        self.counted = Counted(
            FaultyStore(self.inner, lambda *_: self.plan.pop(0) if self.plan else Fault.NONE)
        )
        self.patience = Patience(
            PATIENCE_S,
            sleep=self.clock.sleep,
            monotonic=self.clock.monotonic,
            chance=lambda: chance,
        )
        self.store = Patient(self.counted, self.patience)
        self.inner.put("there", b"0123456789")

    def answered(self) -> "Bench":
        """After the store has answered once."""
        assert self.store.size("there") == 10
        return self


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.put("a", b"x"),
        lambda store: store.get("there"),
        lambda store: store.size("there"),
        lambda store: list(store.list("")),
        lambda store: list(store.folders("")),
        lambda store: store.delete("there"),
        lambda store: list(store.get_stream("there")),
    ],
)
def test_a_call_is_tried_again_until_it_works(call: Callable[[Store], object]) -> None:
    bench = Bench().answered()
    bench.plan = [Fault.REFUSED] * 3
    call(bench.store)
    assert not bench.plan
    assert bench.clock.slept == [0.2, 0.4, 0.8]


def test_patience_ends() -> None:
    bench = Bench().answered()
    bench.plan = [Fault.REFUSED] * 100
    with pytest.raises(StoreUnreachableError):
        bench.store.get("there")
    assert PATIENCE_S / 2 < bench.clock.monotonic() <= PATIENCE_S
    assert max(bench.clock.slept) <= 5.0


def test_pauses_are_spread_by_chance() -> None:
    bench = Bench(chance=0.25).answered()
    bench.plan = [Fault.REFUSED] * 2
    bench.store.get("there")
    assert bench.clock.slept == [0.05, 0.1]


def test_a_store_that_never_answered_is_not_waited_for() -> None:
    bench = Bench()
    bench.plan = [Fault.REFUSED] * 2
    for _ in range(2):
        with pytest.raises(StoreUnreachableError):
            bench.store.get("there")
    assert bench.clock.slept == []
    with pytest.raises(ObjectMissingError):
        bench.store.get("none")
    bench.plan = [Fault.REFUSED]
    assert bench.store.get("there")
    assert len(bench.clock.slept) == 1


def test_other_errors_are_not_tried_again() -> None:
    bench = Bench().answered()
    before = bench.counted.counts.calls["get"]
    with pytest.raises(ObjectMissingError):
        bench.store.get("none")
    assert bench.counted.counts.calls["get"] == before + 1


def test_a_put_if_absent_may_meet_its_own_earlier_try() -> None:
    bench = Bench().answered()
    bench.plan = [Fault.LOST]
    with pytest.raises(ObjectExistsError):
        bench.store.put("a", b"mine", if_absent=True)
    assert bench.store.get("a") == b"mine"


def test_a_stream_that_breaks_is_continued_where_it_broke() -> None:
    bench = Bench().answered()
    data = b"".join(bytes([letter]) * CHUNK_BYTES for letter in b"abc") + b"end"
    bench.inner.put("large", data)
    bench.plan = [Fault.LOST, Fault.REFUSED, Fault.LOST]
    before = bench.counted.counts.bytes_out
    assert b"".join(bench.store.get_stream("large", start=5)) == data[5:]
    assert bench.counted.counts.bytes_out - before == len(data) - 5
    bench.plan = [Fault.LOST, Fault.LOST]
    found = b"".join(bench.store.get_stream("large", start=1, length=len(data) - 2))
    assert found == data[1:-1]


def test_patience_with_one_store_is_shared() -> None:
    bench = Bench().answered()
    longer = bench.patience.lasting(60.0)
    bench.plan = [Fault.REFUSED] * 10
    assert longer.persist(lambda: bench.counted.get("there"))
    assert bench.clock.monotonic() > PATIENCE_S


def test_calls_and_bytes_are_counted() -> None:
    store = Counted(MemoryStore())
    store.put("a", b"123")
    store.put_stream("b", iter((b"12", b"34")), size=4)
    store.get("a", start=1)
    list(store.get_stream("b"))
    store.size("a")
    list(store.list(""))
    store.delete("a")
    assert store.counts.calls == {
        "put": 1,
        "put_stream": 1,
        "get": 1,
        "get_stream": 1,
        "size": 1,
        "list": 1,
        "delete": 1,
    }
    assert (store.counts.bytes_in, store.counts.bytes_out) == (7, 6)
