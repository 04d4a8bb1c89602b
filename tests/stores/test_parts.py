"""Objects in parts: the stores in this process, and those that hold another one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import (
    ObjectExistsError,
    ObjectMissingError,
    StoreUnreachableError,
)
from cryoem_cloud.model.keys import project_key
from cryoem_cloud.ports.parts import Parts
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.counted import Counted
from cryoem_cloud.stores.held import Held
from cryoem_cloud.stores.known import Known
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.patient import Patience, Patient
from cryoem_cloud.testing.clock import StoppedClock
from cryoem_cloud.testing.faults import Fault, FaultyStore
from cryoem_cloud.testing.parts_contract import PartsContract


class TestMemoryParts(PartsContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestHeldParts(PartsContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        inner = Held(FaultyStore(MemoryStore(), lambda *_: Fault.NONE))
        return Known(Patient(Counted(inner), Patience(8.0)), tmp_path / "memory")


class Bench:
    """Patient parts over ones that fail as planned, after the store has answered once."""

    def __init__(self) -> None:
        self.plan: list[Fault] = []
        self.clock = StoppedClock()
        self.inner = MemoryStore()
        self.counted = Counted(
            FaultyStore(self.inner, lambda *_: self.plan.pop(0) if self.plan else Fault.NONE)
        )
        patience = Patience(
            8.0, sleep=self.clock.sleep, monotonic=self.clock.monotonic, chance=lambda: 1.0
        )
        self.store = Patient(self.counted, patience)
        self.store.put("there", b"0123456789")
        self.upload = self.parts.begin("a")
        self.sent = self.parts.send("a", self.upload, 1, [b"bytes"])

    @property
    def parts(self) -> Parts:
        assert self.store.parts
        return self.store.parts


@pytest.mark.parametrize(
    "call",
    [
        lambda bench: bench.parts.begin("b"),
        lambda bench: bench.parts.send("a", bench.upload, 2, [b"more"]),
        lambda bench: bench.parts.there("a", bench.upload),
        lambda bench: bench.parts.complete("a", bench.upload, [bench.sent]),
        lambda bench: bench.parts.abort("a", bench.upload),
        lambda bench: bench.parts.read_into("there", 2, memoryview(bytearray(3))),
    ],
)
def test_a_call_is_tried_again_until_it_works(call: Callable[[Bench], object]) -> None:
    bench = Bench()
    bench.plan = [Fault.REFUSED] * 3
    call(bench)
    assert not bench.plan
    assert bench.clock.slept == [0.2, 0.4, 0.8]


def test_patience_with_parts_lasts_for_a_minute() -> None:
    bench = Bench()
    bench.plan = [Fault.REFUSED] * 100
    with pytest.raises(StoreUnreachableError):
        bench.parts.there("a", bench.upload)
    assert 50 < bench.clock.monotonic() <= 60


@pytest.mark.parametrize("if_absent", [False, True])
def test_a_completion_whose_reply_was_lost_counts(*, if_absent: bool) -> None:
    bench = Bench()
    bench.plan = [Fault.LOST]
    if if_absent:
        with pytest.raises(ObjectExistsError):
            bench.parts.complete("a", bench.upload, [bench.sent], if_absent=True)
    else:
        bench.parts.complete("a", bench.upload, [bench.sent])
    assert bench.inner.get("a") == b"bytes"


def test_an_object_of_another_size_is_not_what_was_completed() -> None:
    bench = Bench()
    bench.inner.put("a", b"another")
    bench.inner.parts.abort("a", bench.upload)
    bench.plan = [Fault.REFUSED]
    with pytest.raises(ObjectMissingError):
        bench.parts.complete("a", bench.upload, [bench.sent])


def test_an_upload_that_was_never_there_is_not_looked_for() -> None:
    bench = Bench()
    bench.inner.put("a", b"bytes")
    bench.inner.parts.abort("a", bench.upload)
    with pytest.raises(ObjectMissingError):
        bench.parts.complete("a", bench.upload, [bench.sent])
    assert bench.counted.counts.calls["size"] == 0


def test_a_read_that_breaks_off_is_continued_where_it_did() -> None:
    bench = Bench()
    bench.plan = [Fault.LOST, Fault.LOST, Fault.REFUSED, Fault.LOST]
    buffer = bytearray(8)
    bench.parts.read_into("there", 1, memoryview(buffer))
    assert buffer == b"12345678"
    assert bench.clock.slept == [0.2]  # what came shows that the store is there


def test_a_long_read_that_breaks_off_is_continued_where_it_did() -> None:
    bench = Bench()
    bench.plan = [Fault.LOST, Fault.LOST, Fault.REFUSED, Fault.LOST]
    came: list[bytes] = []
    buffer = memoryview(bytearray(3))
    bench.parts.read_into("there", 1, buffer, length=8, take=lambda v: came.append(bytes(v)))
    assert b"".join(came) == b"12345678"
    assert bench.clock.slept == [0.2]


def test_calls_and_bytes_of_parts_are_counted() -> None:
    bench = Bench()
    bench.parts.there("a", bench.upload)
    bench.parts.complete("a", bench.upload, [bench.sent])
    bench.parts.abort("a", bench.upload)
    bench.parts.read_into("a", 1, memoryview(bytearray(3)))
    bench.parts.read_into("a", 1, memoryview(bytearray(1)), length=4)
    calls = {"put": 1, "begin": 1, "send": 1, "there": 1, "complete": 1, "abort": 1, "read_into": 2}
    assert bench.counted.counts.calls == calls
    assert (bench.counted.counts.bytes_in, bench.counted.counts.bytes_out) == (15, 7)


def test_parts_are_of_the_store_that_is_known(tmp_path: Path) -> None:
    store = MemoryStore()
    store.put(project_key("p"), b"{}")
    known = Known(store, tmp_path / "memory")
    known.get(project_key("p"))
    strange = Known(MemoryStore(), tmp_path / "memory")
    assert strange.parts
    with pytest.raises(StoreUnreachableError, match="is not reachable"):
        strange.parts.begin("p/mirror/a")


def test_a_busy_store_is_left_alone_for_as_long_as_it_says() -> None:
    clock = StoppedClock()
    patience = Patience(8.0, sleep=clock.sleep, monotonic=clock.monotonic, chance=lambda: 1.0)
    patience.persist(lambda: None)
    busy = [StoreUnreachableError("busy") for _ in range(3)]
    busy[0].after_s = 3.0
    busy[2].after_s = 9.0

    def call() -> None:
        raise busy.pop(0)

    with pytest.raises(StoreUnreachableError) as caught:
        patience.persist(call)
    assert caught.value.after_s == 9.0  # longer than our patience
    assert clock.slept == [3.2, 0.4]  # and the back-off, so that not all come back at once
