"""The simulator's clock."""

import time
from threading import Event, RLock

from tests.ec2sim.clock import Clock


def test_what_is_due_is_done_in_order_when_time_is_skipped() -> None:
    clock = Clock(60.0, RLock())
    done: list[tuple[str, float]] = []
    clock.after(30, lambda: done.append(("second", clock.now())))
    clock.after(10, lambda: clock.after(5, lambda: done.append(("first", clock.now()))))
    clock.after(600, lambda: done.append(("later", clock.now())))
    clock.skip(60)
    assert [name for name, _ in done] == ["first", "second"]
    assert 15 <= done[0][1] < 16
    assert 60 <= clock.now() < 61
    clock.close()
    clock.skip(6000)
    assert len(done) == 2


def test_a_minute_lasts_as_long_as_it_was_told() -> None:
    clock = Clock(0.01, RLock())
    rung = Event()
    begun = time.monotonic()
    clock.after(600, rung.set)
    assert rung.wait(30)
    assert time.monotonic() - begun >= 0.1
    clock.close()
