"""What is shown while bytes move."""

import io
import sys
import time
from collections.abc import Callable

import pytest

from cryoem_cloud.cli.progress import Rate, moving


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


def test_a_log_gets_a_line_a_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with moving("sending", 100_000_000_000, wire=lambda: int(clock.now_s * 10_000_000)) as moved:
        for _ in range(120):
            clock.now_s += 1
            moved(100_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("cryoem: sending: 6.0 GB of 100.0 GB, 100.0 MB/s, ")
    assert lines[1].endswith("10.0 MB/s on the wire, 14 min 40 s left")


def test_what_takes_less_than_a_minute_says_nothing(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with moving("sending", 10, wire=lambda: 0) as moved:
        clock.now_s += 59
        moved(10)
    assert not capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_what_the_wire_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, sent = Terminal(), [0]
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    with moving("sending", 1000, wire=lambda: sent[0]) as moved:
        _until(lambda: "on the wire" in terminal.getvalue(), moved, sent)


def _until(seen: Callable[[], bool], moved: Callable[[int], None], sent: list[int]) -> None:
    until_s = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < until_s
        sent[0] += 1000
        moved(1)
        time.sleep(0.05)


def test_a_rate_is_that_of_its_last_period() -> None:
    rate = Rate(2.0)
    for now_s, count in ((0.0, 0), (1.0, 1000), (2.0, 100), (3.0, 900), (4.0, 300)):
        rate.look(count, now_s)
    assert rate.per_s == 100
    assert rate.left(1000) == "10 s left"
