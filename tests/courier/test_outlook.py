"""While a job runs its card says how long it takes yet, from what its machine has made."""

import pytest

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.learning.outlook import Outlook
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import ApplicationError, FormatError
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.forecast import Forecast
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.work import Work
from cryoem_cloud.ports.application import Advance
from cryoem_cloud.ports.view import View
from cryoem_cloud.testing.clock import StoppedClock
from tests.planner.works import CLASS2D

from .conftest import FOLDER, Bench

STEP_S = 600


class Stepping(Shell):
    """A program of ten steps, each with a file."""

    def work(self, job: Job, view: View) -> Work:
        return CLASS2D

    def seals(self, job: Job, path: str) -> bool:
        return path.endswith(".step")

    def advance(self, job: Job, work: Work, sealed: object) -> Advance:  # type: ignore[override]  # tells more
        number = max(int(str(path)[-6:-5]) for path in sealed)  # type: ignore[attr-defined]  # names
        return Advance(share=number / 10, told=f"step {number} of 10")


class Foreseen:
    """An outlook whose clock is that of the machine."""

    def __init__(self, bench: Bench, work: Work | Exception | None = CLASS2D) -> None:
        self.clock, self.told, self.asked = StoppedClock(), list[Forecast](), 0
        self.begun_ns = int(self.clock.now().timestamp() * 10**9)
        self.number = 0

        def known() -> Work | None:
            self.asked += 1
            if isinstance(work, Exception):
                raise work
            return work

        self.outlook = Outlook(
            job=bench.slip.job,
            application=Stepping(),
            work=known,
            expected=lambda _: None,
            told=self.told.append,
            clock=self.clock,
        )

    def step(self, number: int, *, name: str = "step") -> None:
        """A step has ended, that many times STEP_S after the first; a page says so at once."""
        mtime_ns = self.begun_ns + number * STEP_S * 10**9
        self.outlook.hears(page(entry(f"{FOLDER}/{number}.{name}", mtime_ns)))


def entry(path: str, mtime_ns: int) -> Entry:
    content = Content(key="k", start=0, stored=1, size=1, digest=digest_of(b"x"))
    return Entry(path=path, content=content, mtime_ns=mtime_ns)


def page(*entries: Entry) -> Page:
    return Page(machine="m", number=1, task="main", turn=1, files=entries)


def test_after_two_steps_it_says_how_long_the_rest_takes(bench: Bench) -> None:
    seen = Foreseen(bench)
    seen.step(0)
    assert seen.told == []
    seen.clock.sleep(STEP_S)
    seen.step(1, name="other")
    seen.step(1)
    (found,) = seen.told
    assert found.left_s.p50 == pytest.approx(9 * STEP_S)
    assert found.told == "step 1 of 10"
    seen.clock.sleep(3 * STEP_S)
    seen.step(4)
    assert seen.told[-1].left_s.p50 == pytest.approx(6 * STEP_S)
    assert seen.told[-1].left_s.p90 < found.left_s.p90 - 3 * STEP_S
    assert seen.asked == 1


def test_pages_that_are_read_long_after_are_taken_for_when_they_were_written(bench: Bench) -> None:
    seen = Foreseen(bench)
    seen.clock.sleep(5 * STEP_S)
    for number in range(3):
        seen.step(number)
    assert seen.told[-1].left_s.p50 == pytest.approx(5 * STEP_S)


@pytest.mark.parametrize("work", [None, FormatError("a list"), ApplicationError("broke")])
def test_where_the_work_is_not_known_nothing_is_foreseen_nor_asked_again(
    bench: Bench, work: Exception | None
) -> None:
    seen = Foreseen(bench, work)
    for number in range(3):
        seen.step(number)
    assert (seen.told, seen.asked) == ([], 1)


def test_the_card_of_a_running_job_has_it_and_that_of_one_that_ended_has_not(bench: Bench) -> None:
    bench.application = Stepping()
    cards: list[Forecast | None] = []
    first = int(StoppedClock().now().timestamp() * 10**9)

    def steps(number: int) -> None:
        made = entry(f"{FOLDER}/{number}.step", first + number * STEP_S * 10**9)
        bench.page(number + 1, phase="works", small=((made, b"x"),))

    def begins(here: Bench) -> None:
        here.records.turns("main").claim("m-1")

    bench.run(
        begins,
        lambda _: steps(0),
        lambda _: steps(1),
        lambda here: cards.append(here.card().forecast),
        lambda here: cards.append(here.card().forecast),
        lambda here: here.end_turn(here.records.turns("main").read()[0], (), pages=2),
    )
    assert cards[-1] is not None
    assert cards[-1].told == "step 1 of 10"
    assert cards[-1].left_s.p10 < cards[-1].left_s.p90
    assert bench.card().outcome is Outcome.SUCCESS
    assert bench.card().forecast is None
