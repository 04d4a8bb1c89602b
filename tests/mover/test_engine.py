"""What files share: as many requests at a time as help, as fast as is allowed, no work in vain."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.testing.clock import StoppedClock

MIB = 1024 * 1024


def test_no_more_goes_than_is_allowed() -> None:
    clock = StoppedClock()
    with Engine(
        memory_bytes=MIB, bytes_per_s=MIB, sleep=clock.sleep, monotonic=clock.monotonic
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
