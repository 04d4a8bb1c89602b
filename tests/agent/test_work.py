"""An agent's whole life in this process: what it says of itself, and where it goes on."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from cryoem_cloud.agent.vigil import Extensions
from cryoem_cloud.agent.work import Agent
from cryoem_cloud.apps.guarded import guarded
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.task import MAIN, Ready, Task, on_one_machine
from cryoem_cloud.model.turn import Deed, exit_of
from cryoem_cloud.ports.application import Application
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.results import results
from cryoem_cloud.testing.machine_self import Unbothered
from cryoem_cloud.wiring.clock import SystemClock

OUT = "Shell/job001"


@dataclass
class Myself(Unbothered):
    """Says what the agent said of its machine."""

    name: str = "m"
    said: list[str] = field(default_factory=list)
    scratch: Path | None = None
    left: list[Path] = field(default_factory=list)
    """What was on its disk when a turn was over."""

    def up(self) -> None:
        if "up" not in self.said:
            self.said.append("up")

    def worked(self) -> None:
        self.said.append("worked")
        self.left = list(self.scratch.iterdir()) if self.scratch else []

    def leave(self, *, last: bool) -> None:
        self.said.append("end" if last else "leave")


@pytest.fixture
def records() -> JobRecords:
    return of_script(f"echo made > {OUT}/x")


def of_script(script: str) -> JobRecords:
    """The records of a job that is ready."""
    made = JobRecords(MemoryStore(), "p-00000000", 1)
    made.put_job(
        Job(
            number=1,
            project="p-00000000",
            name=OUT,
            application="shell",
            frontend="shell",
            script="true",
            script_path="",
            outputs=(OUT,),
            logs={"out": f"{OUT}/run.out", "err": f"{OUT}/run.err"},
            log_starts={"out": 0, "err": 0},
            submitter="me",
            submitted_at="2026-01-01T00:00:00Z",
        )
    )
    made.put_tasks((Task(name=MAIN, script=script, inputs=()),))
    made.set_ready(Ready(1, 1))
    return made


def live(
    records: JobRecords,
    scratch: Path,
    myself: Myself | None = None,
    *,
    umask: int | None = None,
    application: Application | None = None,
    record: Callable[[], None] = lambda: None,
) -> list[str]:
    """What the agent said of itself before it ended, well or not."""
    myself = myself or Myself()
    agent = Agent(
        records=records,
        myself=myself,
        application=lambda _: application or Shell(),
        scratch=scratch,
        environment={"PATH": os.environ["PATH"]},
        umask=umask,
        clock=SystemClock(),
        record=record,
    )
    try:
        agent.live()
    except OSError:
        myself.said.append("broke")
    return myself.said


def test_a_machine_that_came_through_its_turn_says_so(records: JobRecords, tmp_path: Path) -> None:
    assert live(records, tmp_path / "scratch") == ["up", "worked", "end"]


def test_a_turn_that_did_all_says_how_long_its_script_ran(tmp_path: Path) -> None:
    records = of_script("sleep 1.2")
    live(records, tmp_path / "scratch")
    assert records.turns(MAIN).read()[-1].detail["ran_s"] in {1, 2}
    taken_over = of_script("true")
    assert taken_over.turns(MAIN).claim("another")
    assert taken_over.turns(MAIN).close(taken_over.turns(MAIN).read()[-1], Deed.RELEASED)
    live(taken_over, tmp_path / "scratch")
    assert "ran_s" not in taken_over.turns(MAIN).read()[-1].detail


def test_what_was_asked_of_the_store_is_recorded_before_the_machine_leaves(
    records: JobRecords, tmp_path: Path
) -> None:
    myself = Myself()
    record = partial(myself.said.append, "recorded")
    assert live(records, tmp_path / "scratch", myself, record=record)[-2:] == ["recorded", "end"]


def test_what_a_script_makes_has_rights_by_the_submitters_umask(
    records: JobRecords, tmp_path: Path
) -> None:
    live(records, tmp_path / "scratch", umask=0o037)
    pages = [page for n in range(1, 9) if (page := records.page("m", n))]
    assert [entry.mode for page in pages for entry, _ in page.small] == [0o640]


class Remarking(Shell):
    """An application that has something to say."""

    def remarks(self, job: Job) -> tuple[str, ...]:
        return ("one remark", "another remark")


def test_the_log_begins_with_what_the_application_remarks(tmp_path: Path) -> None:
    records = of_script("echo the script")
    live(records, tmp_path / "scratch", application=Remarking())
    pages = [page for n in range(1, 9) if (page := records.page("m", n))]
    said = [chunk.data for page in pages for chunk in page.lines if chunk.log == "out"]
    assert b"".join(said) == b"one remark\nanother remark\nthe script\n"


def test_the_log_of_a_job_that_is_not_shared_says_so(records: JobRecords, tmp_path: Path) -> None:
    why = on_one_machine("it is too small")
    other = JobRecords(MemoryStore(), records.project, 1)
    other.put_job(records.job())
    other.put_tasks((Task(name=MAIN, script="true", inputs=(), remark=why),))
    other.set_ready(Ready(1, 1))
    live(other, tmp_path / "scratch")
    pages = [page for n in range(1, 9) if (page := other.page("m", n))]
    said = [chunk.data for page in pages for chunk in page.lines if chunk.log == "out"]
    assert b"".join(said) == b"cryoem: runs on one machine: it is too small\n"


@dataclass
class Broken(Shell):
    """An application with a bug in one place."""

    where: str

    def __getattribute__(self, name: str) -> object:
        if name == object.__getattribute__(self, "where"):
            return _broken
        return object.__getattribute__(self, name)


def _broken(*_: object, **__: object) -> bool:
    raise ValueError("my bug")


@pytest.mark.parametrize(
    "where",
    ["judge", "seals", "remarks", "held_back", "abort_files", "longest_folder"],
)
def test_a_bug_of_an_application_fails_the_job_at_once(
    records: JobRecords, tmp_path: Path, where: str
) -> None:
    application = guarded(Broken(where), remedy="mend its package: guest")
    assert live(records, tmp_path / "scratch", application=application) == ["up", "worked", "end"]
    turns = records.turns(MAIN).read()
    assert [turn.deed for turn in turns] == [Deed.CLAIM, Deed.FAILED]
    assert exit_of(turns[-1]).reason == (
        f"application shell broke in {where}: ValueError: my bug (mend its package: guest)"
    )
    if where in {"judge", "seals"}:
        assert [entry.path for entry in results(records, turns[-1])] == [f"{OUT}/x"]


@dataclass
class Narrow(Shell):
    """An application whose programs take paths of so many bytes."""

    longest: int

    def longest_folder(self, job: Job) -> int:
        return self.longest


@pytest.mark.parametrize("short", [0, 1])
def test_a_folder_that_is_too_long_for_the_programs_fails_the_turn(
    records: JobRecords, tmp_path: Path, short: int
) -> None:
    scratch = tmp_path / "scratch"
    (tmp_path / ("x" * 90)).mkdir()
    scratch.symlink_to(tmp_path / ("x" * 90))  # programs see where it leads
    folder = scratch.resolve() / "main-1" / "project"
    live(records, scratch, application=Narrow(len(os.fsencode(folder)) - short))
    ended = exit_of(records.turns(MAIN).read()[-1])
    assert ended.outcome is (Outcome.FAILURE if short else Outcome.SUCCESS)
    assert (str(folder) in ended.reason) is bool(short)
    assert ("XDG_STATE_HOME" in ended.reason) is bool(short)


def test_a_machine_that_breaks_in_its_turn_has_not_worked(
    records: JobRecords, tmp_path: Path
) -> None:
    (tmp_path / "scratch").touch()
    assert live(records, tmp_path / "scratch") == ["up", "broke"]


def test_an_agent_that_is_started_again_goes_on_with_its_journal(
    records: JobRecords, tmp_path: Path
) -> None:
    before = [Page(machine="m", number=n, task=MAIN, turn=1, phase=f"{n}") for n in (1, 2, 3)]
    assert records.turns(MAIN).claim("m")
    for page in before:
        records.put_page(page)
    live(records, tmp_path / "scratch")
    ending = records.turns(MAIN).read()[-1]
    assert (ending.number, ending.deed) == (2, Deed.DONE)
    assert exit_of(ending).outcome is Outcome.SUCCESS
    assert [records.page("m", n) for n in (1, 2, 3)] == before
    pages = [records.page("m", n) for n in range(4, int(str(ending.detail["pages"])) + 1)]
    assert [entry.path for page in pages if page for entry, _ in page.small] == [f"{OUT}/x"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may remove everything")
def test_folders_that_a_script_locked_do_not_keep_the_disk(tmp_path: Path) -> None:
    records = of_script(f"mkdir {OUT}/d; touch {OUT}/d/x; chmod 555 {OUT}/d")
    myself = Myself(scratch=tmp_path / "scratch")
    assert live(records, tmp_path / "scratch", myself)[-1] == "end"
    assert myself.left == []
    assert not (tmp_path / "scratch").exists()


def test_each_word_about_more_time_is_heard_once(records: JobRecords) -> None:
    first, second = (datetime(2026, 1, day, tzinfo=UTC) for day in (2, 3))
    extensions = Extensions(records)
    assert extensions.until() is None
    records.extend(first)
    records.extend(second)
    assert extensions.until() == second
    assert extensions.until() is None
    records.extend(first)
    assert extensions.until() == first
