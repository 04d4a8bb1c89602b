"""How often a machine looks at what a task makes."""

import threading
from dataclasses import dataclass, field

import pytest

from cryoem_cloud.agent.sending import PERIOD_S, sending
from cryoem_cloud.testing.clock import StoppedClock


@dataclass
class Sender:
    """Takes so long, of that so much to look; and what the sending waits for."""

    looked_s: float
    takes_s: float
    clock: StoppedClock = field(default_factory=StoppedClock)
    steps: int = 0
    waits: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def step(self) -> None:
        self.steps += 1
        self.clock.pass_(self.takes_s)
        if self.steps == 3:
            self.over.set()


def waited(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between the steps."""

    class Stopped(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            sender.waits.append(timeout or 0.0)
            return sender.steps >= 3

    monkeypatch.setattr("cryoem_cloud.agent.sending.threading.Event", Stopped)
    with sending(sender):  # type: ignore[arg-type]
        sender.over.wait(10)
    return [each for each in sender.waits if each]


def test_a_store_that_takes_long_is_not_rested_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waited(Sender(looked_s=0.01, takes_s=3.0), monkeypatch) == [0.02] * 3


def test_a_look_that_takes_long_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waited(Sender(looked_s=1.0, takes_s=1.5), monkeypatch) == [2.0] * 3


def test_else_looks_are_made_at_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = waited(Sender(looked_s=0.01, takes_s=0.2), monkeypatch)
    assert [round(each, 6) for each in found] == [round(PERIOD_S - 0.2, 6)] * 3
