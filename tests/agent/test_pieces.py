"""Machines that work on the pieces of one job: together they make what one of them would."""

import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cryoem_cloud.agent.close import shared
from cryoem_cloud.agent.work import Agent
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.task import MAIN, Ready, Task, piece_name
from cryoem_cloud.model.turn import Deed, Turn, exit_of
from cryoem_cloud.mover.pull import fetch_bytes
from cryoem_cloud.ports.application import Application, Finished
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.results import results
from cryoem_cloud.testing.machine_self import Unbothered
from cryoem_cloud.wiring.clock import SystemClock
from tests.piecework import LIST, OUT, SCRIPT, Forgetful, Piecework

PROJECT = "p-00000000"


@dataclass
class Myself(Unbothered):
    name: str
    said: list[str] = field(default_factory=list)

    def up(self) -> None:
        self.said.append("up")

    def worked(self) -> None:
        self.said.append("worked")

    def replace(self, machine: str) -> None:
        self.said.append(f"replace {machine}")

    def leave(self, *, last: bool) -> None:
        self.said.append("end" if last else "leave")


def the_list(records: JobRecords, lines: list[str]) -> Entry:
    data = "".join(f"{line}\n" for line in lines).encode()
    key = f"mirror/{digest_of(data)[7:20]}"
    records.store.put(f"{PROJECT}/{key}", data)
    content = Content(key=key, start=0, stored=len(data), size=len(data), digest=digest_of(data))
    return Entry(path=LIST, content=content)


def job_of(*pieces: list[str], resumes: JobRecords | None = None) -> JobRecords:
    """A job whose list is the pieces', all ready; with no piece, it is not cut."""
    store, number = (resumes.store, resumes.number + 1) if resumes else (MemoryStore(), 1)
    records = JobRecords(store, PROJECT, number)
    records.put_job(
        Job(
            number=number,
            resumes=resumes.number if resumes else 0,
            project=PROJECT,
            name=OUT,
            application="piecework",
            frontend="shell",
            script=SCRIPT,
            script_path="",
            outputs=(OUT,),
            logs={"out": f"{OUT}/run.out", "err": f"{OUT}/run.err"},
            log_starts={"out": 0, "err": 0},
            submitter="me",
            submitted_at="2026-01-01T00:00:00Z",
        )
    )
    tasks = [
        Task(
            name=piece_name(at),
            script=SCRIPT,
            inputs=(the_list(records, lines),),
            title=f"piece {at} of {len(pieces)}",
            items=(at, at + 1),
        )
        for at, lines in enumerate(pieces, start=1)
    ]
    whole = the_list(records, [line for lines in pieces for line in lines])
    tasks.append(Task(name=MAIN, script=SCRIPT, inputs=(whole,), joins=True))
    for pack, task in enumerate(tasks):
        records.put_tasks((task,), pack=pack)
    records.set_ready(Ready(len(tasks), len(tasks)))
    return records


def agent(
    records: JobRecords, name: str, scratch: Path, application: Application | None = None
) -> Agent:
    return Agent(
        records=records,
        myself=Myself(name),
        application=lambda _: application or Piecework(),
        scratch=scratch / name,
        environment={"PATH": os.environ["PATH"]},
        umask=None,
        clock=SystemClock(),
    )


def live(
    records: JobRecords, scratch: Path, *names: str, application: Application | None = None
) -> None:
    """Have machines of these names live, all at once."""
    agents = [agent(records, name, scratch, application) for name in names]
    threads = [threading.Thread(target=one.live) for one in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def made(records: JobRecords) -> dict[str, bytes]:
    """What the job has made, as its manifest promises."""
    entries = results(records, records.turns(MAIN).read()[-1])
    return {
        entry.path.removeprefix(f"{OUT}/"): fetch_bytes(records.store, PROJECT, entry.content)
        for entry in entries
        if entry.content
    }


def printed(records: JobRecords, log: str) -> str:
    """What the last turn of `main` sent of a log."""
    turn = records.turns(MAIN).read()[-1]
    pages = [page for n in range(1, 99) if (page := records.page(turn.holder, n))]
    return b"".join(
        chunk.data
        for page in pages
        if page.task == MAIN
        for chunk in page.lines
        if chunk.log == log
    ).decode()


@pytest.mark.parametrize("machines", [1, 3])
def test_pieces_and_what_joins_them_make_what_one_machine_would(
    machines: int, tmp_path: Path
) -> None:
    records = job_of(["a", "b"], ["c"], ["d", "e"])
    live(records, tmp_path, *(f"m{n}" for n in range(machines)))
    assert records.end() == Exit(outcome=Outcome.SUCCESS)
    found = made(records)
    assert sorted(found) == [*(f"{item}.made" for item in "abcde"), "joined.txt"]
    assert found["joined.txt"] == b"a.made\nb.made\nc.made\nd.made\ne.made\n"
    assert found["d.made"] == b"made of d\n"


def test_what_joins_tells_how_long_each_machine_ran_and_through_how_many_items(
    tmp_path: Path,
) -> None:
    records = job_of(["a", "b"], ["c"], ["d", "e"])
    live(records, tmp_path, "m0")
    assert records.turns(piece_name(1)).read()[-1].detail["ran_s"] >= 1
    ran = records.turns(MAIN).read()[-1].detail["ran"]
    assert list(ran) == ["m0"]
    seconds, items = ran["m0"]
    assert seconds >= 3
    assert items == 3


def test_a_piece_that_went_on_from_another_turns_work_tells_no_time() -> None:
    whole, half, odd = (
        Turn(number=n, deed=Deed.DONE, holder="m", nonce="x", detail=detail)
        for n, detail in ((2, {"ran_s": 50}), (4, {}), (2, {"ran_s": "x"}))
    )
    tasks = [Task(name=piece_name(n), script="", inputs=(), items=(0, n)) for n in (1, 2, 3)]
    assert shared(zip(tasks, (whole, half, odd), strict=True)) == {"m": [50, 1]}


def test_the_log_tells_of_all_pieces_in_their_order(tmp_path: Path) -> None:
    records = job_of(["a", "b"], ["c"])
    live(records, tmp_path, "m0", "m1")
    assert printed(records, "out") == ("== piece 1 of 2 ==\nat a\nat b\n== piece 2 of 2 ==\nat c\n")


def test_the_index_hears_of_the_job_once_and_of_everything(tmp_path: Path) -> None:
    records = job_of(["a"], ["b"], ["c"])
    live(records, tmp_path, "m0", "m1")
    (record,) = IndexLog(records.store, PROJECT).read()
    assert sorted(entry.path for entry in record.entries) == [
        *(f"{OUT}/{item}.made" for item in "abc"),
        f"{OUT}/joined.txt",
    ]


def test_a_piece_that_fails_ends_the_job_with_what_there_is(tmp_path: Path) -> None:
    records = job_of(["a"], ["b", "bad", "never"])
    live(records, tmp_path, "m0")
    end = records.end()
    assert end is not None
    assert end.outcome is Outcome.FAILURE
    assert "piece 2 of 2: " in end.reason
    assert "exit code 3" in end.reason
    assert "b.made" in made(records)
    assert "joined.txt" not in made(records)
    assert "no good: bad" in printed(records, "err")


def test_a_piece_that_fails_stops_the_others(tmp_path: Path) -> None:
    records = job_of(["slow1"], ["bad"], ["slow2"], ["slow3"])
    live(records, tmp_path, "m0", "m1", "m2", "m3")
    end = records.end()
    assert end is not None
    assert (end.outcome, end.code) == (Outcome.FAILURE, 3)
    assert not [path for path in made(records) if path.startswith("slow")]


def test_a_user_who_stops_the_job_stops_all_of_it(tmp_path: Path) -> None:
    records = job_of(["a"], ["slow"], ["c"])
    thread = threading.Thread(target=live, args=(records, tmp_path, "m0"))
    thread.start()
    while not records.begun():
        pass
    records.ask(Control.STOP)
    thread.join()
    end = records.end()
    assert end is not None
    assert end.outcome is Outcome.ABORTED


def test_a_program_that_computes_again_what_it_is_to_join_is_told(tmp_path: Path) -> None:
    records = job_of(["a"], ["b"])
    live(records, tmp_path, "m0", application=Forgetful())
    end = records.end()
    assert end is not None
    assert end.outcome is Outcome.FAILURE
    assert f"{OUT}/a.made, which a piece of the job had made, was made again" in end.reason


def test_a_lost_machines_piece_goes_on_where_it_was(tmp_path: Path) -> None:
    """The machine that takes it over makes only what is not made, and both count."""
    records = job_of(["a", "b", "c"])
    before = job_of(["a"])  # what a machine makes of the first item, as its journal has it
    live(before, tmp_path, "lost")
    for listed in before.store.list(""):
        if "/machines/lost/journal/" in listed.key or "/out/000001/" in listed.key:
            records.store.put(listed.key, before.store.get(listed.key))
    assert records.turns("000001").claim("lost")
    records.mark_gone("lost")
    one = agent(records, "m0", tmp_path, None)
    one.live()
    assert isinstance(one.myself, Myself)
    assert one.myself.said.count("replace lost") == 1
    assert records.end() == Exit(outcome=Outcome.SUCCESS)
    assert made(records)["joined.txt"] == b"a.made\nb.made\nc.made\n"
    assert "at a" not in printed(records, "out")
    assert "at b\nat c\n" in printed(records, "out")
    claim, done = records.turns("000001").read()[-2:]
    assert (claim.number, done.deed) == (2, Deed.DONE)
    assert exit_of(done).outcome is Outcome.SUCCESS


def test_a_machine_waits_for_pieces_that_are_still_sent(tmp_path: Path) -> None:
    records = job_of(["a"], ["b"])
    records.set_ready(Ready(1, 3))
    thread = threading.Thread(target=live, args=(records, tmp_path, "m0"))
    thread.start()
    while records.begun()["000001"] != 2:
        pass
    assert not records.turns("000002").read()
    records.set_ready(Ready(3, 3))
    thread.join()
    assert records.end() == Exit(outcome=Outcome.SUCCESS)


class Sealing(Piecework):
    """Says that its outputs seal, and takes every failure for a loss."""

    def seals(self, job: Job, path: str) -> bool:
        return path.endswith(".made")

    def judge(self, job: Job, finished: Finished) -> Exit:
        found = super().judge(job, finished)
        return replace(found, lost=found.outcome is Outcome.FAILURE)


def test_a_program_that_is_lost_goes_on_as_long_as_it_gets_further(tmp_path: Path) -> None:
    """Here it gets no further than to its third item: the second turn ends it."""
    records = job_of(["a", "b", "late"])
    live(records, tmp_path, "m0", application=Sealing())
    deeds = [turn.deed for turn in records.turns("000001").read()]
    assert deeds == [Deed.CLAIM, Deed.RELEASED, Deed.CLAIM, Deed.FAILED]
    end = records.end()
    assert end is not None
    assert end.outcome is Outcome.FAILURE
    assert {"a.made", "b.made"} <= made(records).keys()


@dataclass
class Judging(Piecework):
    heard: list[Finished] = field(default_factory=list)

    def judge(self, job: Job, finished: Finished) -> Exit:
        self.heard.append(finished)
        return super().judge(job, finished)


def test_a_task_is_judged_by_its_own_words_and_not_by_what_pieces_said(tmp_path: Path) -> None:
    records, judging = job_of(["a"], ["b"]), Judging()
    live(records, tmp_path, "m1", application=judging)
    *pieces, whole = judging.heard
    assert {piece.tail_out for piece in pieces} == {"at a\n", "at b\n"}
    assert all(piece.piece for piece in pieces)
    assert whole.tail_out == ""
    assert not whole.piece
