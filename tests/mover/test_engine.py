"""What files share: as many requests at a time as help, as fast as is allowed, no work in vain."""

import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.mover.engine import SEND_BYTES, Engine, Line
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.patient import Patience, Patient
from cryoem_cloud.testing.clock import StoppedClock
from cryoem_cloud.testing.faults import Fault, FaultyStore

MIB = 1024 * 1024


def test_no_more_goes_than_is_allowed() -> None:
    clock = StoppedClock()
    with Engine(
        memory_bytes=MIB,
        line=Line(most_bytes_per_s=MIB),
        sleep=clock.sleep,
        monotonic=clock.monotonic,
    ) as engine:
        for _ in range(10):
            with engine.stream(16 * MIB):
                pass
    assert clock.monotonic() == pytest.approx(159)


def test_a_busy_store_is_asked_less_at_a_time() -> None:
    with Engine(memory_bytes=MIB, streams=16) as engine:
        before = engine.streams
        with pytest.raises(StoreUnreachableError), engine.stream(MIB):
            raise StoreUnreachableError("slow down")
        assert engine.streams == before // 2
        assert engine.link_bytes_per_s is None


def test_no_more_requests_go_at_a_time_than_there_are_streams() -> None:
    lock, most, now = threading.Lock(), [0], [0]
    gate = threading.Barrier(3)

    def request(_: int) -> None:
        with engine.stream(MIB):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            gate.wait(30)
            with lock:
                now[0] -= 1

    with Engine(memory_bytes=MIB, streams=3) as engine, ThreadPoolExecutor(2) as files:
        for _ in files.map(lambda _: engine.each(request, range(12)), range(2)):
            pass
    assert most[0] == 3


def test_after_an_error_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise ValueError(number)
        return number

    with Engine(memory_bytes=MIB, streams=2) as engine:
        with pytest.raises(ValueError, match="2"):
            engine.each(work, range(1000))
        assert len(begun) < 20
        assert sorted(engine.each(lambda number: number, range(50))) == list(range(50))


def test_a_store_that_is_patient_does_not_hide_that_the_server_is_busy() -> None:
    clock, plan = StoppedClock(), [Fault.NONE] * 4 + [Fault.REFUSED, Fault.NONE] * 4
    faulty = FaultyStore(MemoryStore(), lambda *_: plan.pop(0) if plan else Fault.NONE)
    patience = Patience(60, sleep=clock.sleep, monotonic=clock.monotonic, chance=lambda: 1.0)
    store, seen = Patient(faulty, patience), []
    with Engine(memory_bytes=MIB, streams=16, monotonic=clock.monotonic) as engine:
        for at in range(400):
            with engine.stream(16 * MIB):
                store.put(f"{at}", b"x")
            clock.pass_(1 / engine.streams)  # each stream brings as much
            seen.append(engine.streams)
    assert seen[3] == 8
    assert min(seen) == 4
    assert seen[-1] > 8


def test_repetitions_of_parts_and_of_reads_halve_the_streams(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(40 * MIB))
    plan = {"send": [Fault.REFUSED], "get": [Fault.REFUSED]}

    def planned(call: str, _: str) -> Fault:
        return plan[call].pop() if plan.get(call) else Fault.NONE

    store = Patient(FaultyStore(MemoryStore(), planned), Patience(60, sleep=lambda _: None))
    with Engine(memory_bytes=SEND_BYTES, streams=16) as engine:
        keep_file(store, tmp_path / "f", project="p", key="f", engine=engine)
        assert engine.streams == 4
        assert not plan["send"]
    with Engine(memory_bytes=MIB, streams=16) as engine:
        with engine.stream(1):
            store.get("p/f", length=1)
        assert engine.streams == 4


def test_who_is_behind_leaves_most_of_the_line_to_others() -> None:
    with (
        Engine(memory_bytes=MIB, streams=8) as first,
        Engine(memory_bytes=MIB, streams=8, line=Line(behind=(first,))) as second,
    ):
        assert second.streams == 8
        with first.stream(1):
            assert second.streams == 2
            assert first.streams == 8
        assert second.streams == 8


def test_who_is_behind_goes_on_all_the_same() -> None:
    with (
        Engine(memory_bytes=MIB, streams=8) as first,
        Engine(memory_bytes=MIB, streams=2, line=Line(behind=(first,))) as second,
        first.stream(1),
    ):
        assert second.streams == 1

        def request(number: int) -> int:
            with second.stream(1):
                return number

        assert sorted(second.each(request, range(20))) == list(range(20))


def test_a_slow_line_behind_the_store_counts_as_ours() -> None:
    with Engine(memory_bytes=MIB, line=Line(beyond_bytes_per_s=1000.0)) as engine:
        assert engine.link_bytes_per_s == 1000.0
    clock = StoppedClock()
    with Engine(
        memory_bytes=MIB, line=Line(beyond_bytes_per_s=10.0**12), monotonic=clock.monotonic
    ) as engine:
        with engine.stream(64 * MIB):
            clock.pass_(1)
        assert engine.link_bytes_per_s == 64 * MIB


def test_who_waits_for_an_engine_that_is_closed_is_told() -> None:
    begun, gate = threading.Event(), threading.Event()

    def work(_: int) -> None:
        begun.set()
        gate.wait(30)

    engine = Engine(memory_bytes=MIB, streams=1)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(engine.each, work, range(4))
        assert begun.wait(30)
        closing = pool.submit(engine.close)
        engine._ended.wait(30)
        gate.set()
        with pytest.raises(CancelledError):
            waiting.result(30)
        closing.result(30)
    with pytest.raises(CancelledError), engine.stream(MIB):
        pass


def test_an_interruption_ends_an_engine_that_waits_for_its_rate() -> None:
    late: list[Future[None]] = []

    def request() -> None:
        with engine.stream(3600):
            pass

    def interrupted() -> None:
        with engine.ending_with_the_program():
            late.append(pool.submit(request))
            raise KeyboardInterrupt

    line = Line(most_bytes_per_s=1)
    with Engine(memory_bytes=MIB, line=line) as engine, ThreadPoolExecutor(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        with pytest.raises(CancelledError):
            late[0].result(30)
