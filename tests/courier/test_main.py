"""How long a courier stays that has nothing to do, and what it writes of users' mistakes."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from cryoem_cloud.apps.guarded import guarded
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.main import Courier
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.errors import FormatError, MissingInputError, SettingsError
from cryoem_cloud.model.job import Job, Need, Outcome
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.ports.store import Store
from cryoem_cloud.ports.view import View
from cryoem_cloud.testing.clock import StoppedClock

from .conftest import Bench, Hurried, Played


class At(Hurried):
    """As `Hurried`; at `second` of its clock something is done."""

    def __init__(self, clock: StoppedClock, second: float, act: Callable[["At"], None]) -> None:
        super().__init__(clock)
        self._second, self._act = second, act

    def wait(self, timeout: float | None = None) -> bool:
        before_s = self._clock.monotonic()
        said = super().wait(timeout)
        if before_s < self._second <= self._clock.monotonic():
            self._act(self)
        return said or self.is_set()


def means(bench: Bench, second: float, act: Callable[[At], None]) -> tuple[Means, StoppedClock]:
    made = bench.means("courier-1", Played(partial(Bench.done, bench)))
    assert isinstance(made.clock, StoppedClock)
    return replace(made, stopping=At(made.clock, second, act)), made.clock


def noted(bench: Bench) -> str:
    """What the card notes, waited for: the stopped clock is ahead of the errand's thread."""
    until_s = time.monotonic() + 30
    while not bench.card().note and time.monotonic() < until_s:
        time.sleep(0.01)
    return bench.card().note


class Buggy(Shell):
    """An application with a bug."""

    asked = 0

    def needs(self, job: Job, view: View) -> Iterator[Need]:
        Buggy.asked += 1
        yield from ()
        raise ValueError("my bug")


def test_a_bug_of_an_application_fails_its_job_at_once(bench: Bench) -> None:
    bench.application, before = guarded(Buggy(), remedy="mend its package: guest"), Buggy.asked
    with_, _ = means(bench, math.inf, At.set)
    Courier(with_).run(stay=False)
    assert bench.card().outcome is Outcome.FAILURE
    assert bench.card().reason == (
        "application shell broke in needs: ValueError: my bug (mend its package: guest)"
    )
    assert Buggy.asked == before + 1


def test_a_bug_of_ours_is_said_on_the_card_and_tried_again(bench: Bench) -> None:
    """It may be over once something else is: the job is not lost, and somebody sees it."""
    bench.application = Buggy()

    def stop(at: At) -> None:
        noted(bench)
        at.set()

    with_, _ = means(bench, 5, stop)
    Courier(with_).run(stay=False)
    assert bench.card().open
    assert bench.card().note == (
        "a bug of cryoem-cloud-tools: ValueError: my bug; it is tried again every 20 s "
        "(tell us: cryoem report)"
    )


def test_an_account_that_cannot_be_read_ends_no_courier(bench: Bench) -> None:
    """As one that a newer version has joined."""

    def damaged() -> tuple[Provider, ...]:
        raise FormatError("aws.json is newer")

    with_, _ = means(bench, math.inf, At.set)
    Courier(replace(with_, providers=damaged)).run(stay=False)
    assert bench.card().outcome is Outcome.SUCCESS


@pytest.fixture
def idle(bench: Bench) -> Bench:
    """A bench whose spool is empty."""
    bench.spool.take_out(bench.slip.name)
    return bench


def test_a_courier_without_work_goes_after_20_s(idle: Bench) -> None:
    with_, clock = means(idle, 1000, At.set)
    Courier(with_).run(stay=False)
    assert 20 < clock.monotonic() < 21


def test_a_courier_that_is_to_stay_stays_until_it_is_told(idle: Bench) -> None:
    with_, clock = means(idle, 1000, At.set)
    Courier(with_).run(stay=True)
    assert 1000 <= clock.monotonic() < 1001


def test_a_job_that_comes_meanwhile_is_brought_home_and_the_wait_begins_anew(idle: Bench) -> None:
    with_, clock = means(idle, 15, lambda _: idle.spool.add(idle.slip))
    Courier(with_).run(stay=False)
    assert idle.card().outcome is Outcome.SUCCESS
    assert idle.spool.empty()
    assert clock.monotonic() > 15 + 20


def test_a_users_mistake_is_one_line_of_the_log(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: object) -> None:
        raise MissingInputError("there is no mask.mrc", hint="name it right")

    monkeypatch.setattr(Shell, "needs", missing)
    with_, _ = means(bench, math.inf, At.set)
    Courier(with_).run(stay=False)
    assert bench.card().outcome is Outcome.FAILURE
    (said,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert said.getMessage() == "job 1 fails: there is no mask.mrc (name it right)"
    assert said.exc_info is None


def test_a_job_whose_errand_cannot_begin_says_why_and_begins_later(bench: Bench) -> None:
    def refused(url: str) -> Store:
        raise SettingsError(f"{url} is no store", hint="correct it")

    stores = [refused]
    notes: list[str] = []

    def mended(_: At) -> None:
        notes.append(noted(bench))
        stores.clear()

    with_, _ = means(bench, 5, mended)
    opened = with_.store

    def store(url: str) -> Store:
        return stores[0](url) if stores else opened(url)

    with_ = replace(with_, store=store)
    Courier(with_).run(stay=False)
    assert bench.card().outcome is Outcome.SUCCESS
    assert notes == [f"{bench.slip.project.store} is no store (correct it)"]
