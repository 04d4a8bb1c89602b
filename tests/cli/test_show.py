"""`cryoem show` of jobs on which several machines have worked."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.cli.commands.ls import command as ls
from cryoem_cloud.cli.commands.show import command
from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.charge import Rate, Sighting, Witness
from cryoem_cloud.model.forecast import Forecast
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.task import MAIN, Ready, Task, piece_name
from cryoem_cloud.model.turn import Deed
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from tests.cli.conftest import User

_SCRIPT = "relion_refine --i p.star --o C/run\n"


@dataclass
class Shown:
    """A job in a store."""

    records: JobRecords

    def has(self, *tasks: Task) -> None:
        self.records.put_tasks(tasks)
        self.records.set_ready(Ready(len(tasks), len(tasks)))

    def claimed(self, task: str, machine: str) -> Callable[..., bool]:
        """A claim, whoever had the task before; what closes it."""
        log = self.records.turns(task)
        before = log.read()
        claim = log.claim(machine, over=before[-1] if before else None)
        assert claim is not None
        return lambda **detail: log.close(claim, Deed.DONE, detail)

    def lines(self, of: str) -> list[str]:
        rows = [line.split(maxsplit=1) for line in self.text().splitlines() if line]
        return [words[1] for words in rows if words[0] == of]

    def text(self) -> str:
        said = CliRunner().invoke(command, ["7"], catch_exceptions=False)
        assert said.exit_code == 0, said.output
        return said.output


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    job = Job(
        number=7,
        project="proj-1",
        name="C",
        application=Shell.name,
        frontend="shell",
        script=_SCRIPT,
        script_path="",
        outputs=("C",),
        logs={"out": "C/run.out", "err": "C/run.err"},
        log_starts={},
        submitter="ada",
        submitted_at="2026-01-01T00:00:00+00:00",
    )
    store = (tmp_path / "store").as_uri()
    card = Card.of_job(job, Project(name="proj-1", store=store, folder=tmp_path))
    cards().write(card)
    records = records_of(card)
    records.put_job(job)
    return Shown(records)


def test_after_a_loss_another_took_over_and_may_have_run_more(shown: Shown) -> None:
    shown.has(Task(name=MAIN, script=_SCRIPT, inputs=()))
    shown.claimed(MAIN, "m-1")
    shown.claimed(MAIN, "m-2")
    assert shown.lines("machine") == ["m-1: was lost, and another took over", "m-2: is at work"]
    assert "as run: unchanged\n\nWho went on from what was made ran it with" in shown.text()


def test_the_script_that_went_on_is_shown_once_it_has(shown: Shown) -> None:
    shown.has(Task(name=MAIN, script=_SCRIPT, inputs=()))
    shown.claimed(MAIN, "m-1")
    went_on = "relion_refine --continue C/run_it002_optimiser.star --o C/run\n"
    shown.claimed(MAIN, "m-2")(script=went_on)
    assert shown.text().endswith(f"as run:\n{went_on}")


def test_of_a_job_that_nobody_went_on_with_the_script_is_what_ran(shown: Shown) -> None:
    shown.has(Task(name=MAIN, script=_SCRIPT, inputs=()))
    shown.claimed(MAIN, "m-1")()
    assert shown.lines("machine") == ["m-1: has done the job"]
    assert "Who went on" not in shown.text()


def _pieces(shown: Shown, number: int) -> None:
    pieces = [
        Task(name=piece_name(at + 1), script=_SCRIPT, inputs=(), items=(at, at + 1))
        for at in range(number)
    ]
    shown.has(*pieces, Task(name=MAIN, script=_SCRIPT, inputs=(), joins=True))


def test_of_a_job_in_pieces_all_machines_are_named(shown: Shown) -> None:
    _pieces(shown, 5)
    for at in range(3):
        shown.claimed(piece_name(at + 1), "m-1")()
    shown.claimed("000004", "m-1")
    shown.claimed("000004", "m-2")()
    shown.claimed("000005", "m-2")()
    shown.claimed(MAIN, "m-2")(machines={"m-2": 2, "m-1": 3}, script="the script\n")
    assert "as run, to join the pieces:\nthe script\n" in shown.text()
    assert shown.lines("pieces") == ["5: 5 begun, 5 ended"]
    assert shown.lines("losses") == [
        "1 piece was begun again, as machines or their programs were lost"
    ]
    assert shown.lines("machine") == [
        "m-1: 3 pieces",
        "m-2: 2 pieces",
        "m-2: has joined the pieces",
    ]


def test_of_many_machines_the_first_are_named(shown: Shown) -> None:
    _pieces(shown, 1000)
    shown.claimed(MAIN, "m-7")(machines={f"m-{at}": 5 for at in range(200)})
    assert len(shown.lines("machine")) == 11
    assert shown.lines("machines") == ["190 more: 950 pieces"]


def test_while_pieces_are_worked_on_it_is_said_by_whom(shown: Shown) -> None:
    _pieces(shown, 2)
    for at, machine in enumerate(("m-1", "m-2")):
        shown.claimed(piece_name(at + 1), machine)
        shown.records.put_beat(machine, 1)
    assert shown.lines("machine") == ["m-1", "m-2"]


def test_a_machine_of_this_computer_is_named_with_its_process(user: User) -> None:
    number = user.submit("a", "touch a/up; sleep 60")
    user.wait_for((user.folder / "a" / "up").exists)
    (line,) = (
        line
        for line in user.cryoem("show", str(number)).out.splitlines()
        if line.startswith("machine ")
    )
    (agent,) = user.processes("agent")
    assert line.endswith(f" (process {agent} of this computer): is at work")
    user.cryoem("stop", str(number))


def test_of_a_running_job_the_time_that_is_left_and_its_cost_in_all_are_shown(
    shown: Shown,
) -> None:
    shown.has(Task(name=MAIN, script=_SCRIPT, inputs=()))
    shown.claimed(MAIN, "m-1")
    now = datetime.now(UTC)
    (card,) = cards().of_number(7)
    left = Forecast(at=now, left_s=Spread(7200, 9000, 10_800), told="iteration 7 of 25")
    cards().write(replace(card, phase=Phase.RUNNING, forecast=left))
    ledger = Ledger(shown.records.store, "proj-1")
    seen = Sighting(
        machine="i-1",
        job=7,
        witness=Witness.COURIER,
        since=now - timedelta(hours=1),
        until=now,
        kind="g6.xlarge",
        rate=Rate(usd_per_hour=Decimal(2), source="a list"),
    )
    ledger.put(seen, "courier-1")
    (told,) = shown.lines("left")
    assert told.startswith("iteration 7 of 25, ")
    assert told.endswith(" to 3 h 00 min left")
    (cost,) = shown.lines("cost")
    assert cost.startswith("$2.00")
    assert "; in all $" in cost
    assert float(cost.rpartition("$")[2]) == pytest.approx(8, abs=0.02)
    listed = CliRunner().invoke(ls, ["--all"], catch_exceptions=False).output
    assert "iteration 7 of 25, " in listed
    (card,) = cards().of_number(7)
    cards().write(replace(card, phase=Phase.HOMECOMING))
    assert shown.lines("left") == []
