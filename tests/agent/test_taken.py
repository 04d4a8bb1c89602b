"""An agent on a machine that its provider takes, or whose job's time is over."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from cryoem_cloud.agent import condition
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.task import MAIN
from cryoem_cloud.model.turn import Deed, Standing, exit_of, standing
from cryoem_cloud.ports.machine_self import Limits, Notice
from cryoem_cloud.stores.jobs import JobRecords
from tests.agent.test_work import OUT, Myself, live, of_script


@dataclass
class Doomed(Myself):
    """Is told of its end as soon as its program has begun."""

    begun: Path | None = None
    within_s: float = 2.0
    left_s: float = 100.0

    def _doomed(self) -> bool:
        return self.begun is not None and self.begun.exists()

    def make_way(self) -> None:
        self.said.append("make way")

    def progressed(self) -> None:
        self.said.append("progressed")

    def notice(self) -> Notice | None:
        return Notice(within_s=self.within_s) if self._doomed() else None

    def limits(self) -> Limits:
        left_s = 0.0 if self.left_s < 100 and self._doomed() else self.left_s
        return Limits(whole_s=7200.0, left_s=left_s)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "_LOOK_S", 0.1)


def test_the_task_of_a_machine_that_is_taken_is_free_with_what_it_made(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    records = of_script(f"echo made > {OUT}/x; touch {begun}; sleep 60")
    myself = Doomed(begun=begun)
    started_s = time.monotonic()
    live_as(myself, records, tmp_path)
    assert time.monotonic() - started_s < 15
    turns = records.turns(MAIN).read()
    assert standing(turns) is Standing.FREE
    assert turns[-1].deed is Deed.RELEASED
    assert turns[-1].detail["reason"] == "the machine was taken away"
    pages = [page for n in range(1, 9) if (page := records.page("m", n))]
    assert [entry.path for page in pages for entry in page.entries] == [f"{OUT}/x"]
    assert myself.said[-1] == "make way"
    assert "leave" not in myself.said
    assert records.end() is None


class SlowToTell(JobRecords):
    """So that the first look at the machine comes before the first claim."""

    def job(self) -> Job:
        time.sleep(0.5)
        return super().job()


def test_a_machine_that_is_taken_begins_nothing(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    begun.touch()
    ready = of_script("true")
    records = SlowToTell(ready.store, ready.project, ready.number)
    myself = Doomed(begun=begun)
    live_as(myself, records, tmp_path)
    assert records.turns(MAIN).read() == ()
    assert myself.said == ["make way"]


def test_at_the_jobs_limit_the_task_fails_and_the_machine_leaves(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    records = of_script(f"echo made > {OUT}/x; touch {begun}; sleep 60")
    myself = Doomed(begun=begun, left_s=50.0)
    myself.notice = lambda: None  # type: ignore[method-assign]
    live_as(myself, records, tmp_path)
    ending = exit_of(records.turns(MAIN).read()[-1])
    assert ending.outcome is Outcome.FAILURE
    assert ending.reason.startswith("reached its limit of 2 h")
    assert [word for word in myself.said if word != "progressed"][-2:] == ["worked", "end"]
    end = records.end()
    assert end is not None
    assert end.reason == ending.reason


@pytest.mark.parametrize(("script", "progresses"), [("echo a; sleep 2", True), ("sleep 2", False)])
def test_a_task_progresses_where_it_says_or_makes_something(
    tmp_path: Path, script: str, *, progresses: bool
) -> None:
    myself = Doomed()
    live_as(myself, of_script(script), tmp_path)
    assert ("progressed" in myself.said) is progresses


def live_as(myself: Doomed, records: JobRecords, tmp_path: Path) -> None:
    """The agent's life in a thread, so that one that hangs fails the test."""
    thread = threading.Thread(target=live, args=(records, tmp_path / "scratch", myself))
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
