"""Jobs that go on from what another job has made, by its records: nothing at home counts."""

import threading
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.task import MAIN, Ready, Task
from cryoem_cloud.model.turn import Deed, Standing, standing
from cryoem_cloud.ports.application import Resumed
from cryoem_cloud.ports.view import View
from cryoem_cloud.stores.index import entries_to_bytes
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.made import made_by
from cryoem_cloud.stores.results import results
from tests.agent.test_pieces import PROJECT, job_of, live, made, printed, the_list
from tests.piecework import OUT, SCRIPT, Piecework


def whole(*lines: str, resumes: JobRecords, given: tuple[Entry, ...] = ()) -> JobRecords:
    """A job that is not cut, and resumes another; it is given these besides its list."""
    records = JobRecords(resumes.store, PROJECT, resumes.number + 1)
    records.put_job(replace(resumes.job(), number=records.number, resumes=resumes.number))
    inputs = (the_list(records, list(lines)), *given)
    records.put_tasks((Task(name=MAIN, script=SCRIPT, inputs=inputs),))
    records.set_ready(Ready(1, 1))
    return records


def makers(records: JobRecords) -> dict[str, int]:
    """By which job each of the job's outputs was made."""
    entries = results(records, records.turns(MAIN).read()[-1])
    return {e.path.removeprefix(f"{OUT}/"): int(e.content.key[5:13]) for e in entries if e.content}


def test_a_job_goes_on_from_what_another_has_made(tmp_path: Path) -> None:
    first = job_of(["a", "b", "c", "bad"])
    live(first, tmp_path, "m0")
    records = whole("a", "b", "c", "d", resumes=first)
    live(records, tmp_path, "m1")
    assert records.end() == Exit(outcome=Outcome.SUCCESS)
    assert printed(records, "out") == "at d\n"
    assert made(records)["joined.txt"] == b"a.made\nb.made\nc.made\nd.made\n"
    assert makers(records) == {"a.made": 1, "b.made": 1, "c.made": 1, "d.made": 2, "joined.txt": 2}


@pytest.mark.parametrize("machines", [1, 3])
def test_it_is_worked_on_in_pieces_of_its_own(tmp_path: Path, machines: int) -> None:
    first = job_of(["a", "b", "c", "bad"])
    live(first, tmp_path, "m0")
    records = job_of(["a"], ["b", "c", "d"], ["e"], resumes=first)
    live(records, tmp_path, *(f"n{n}" for n in range(machines)))
    assert records.end() == Exit(outcome=Outcome.SUCCESS)
    assert made(records)["joined.txt"] == b"a.made\nb.made\nc.made\nd.made\ne.made\n"
    assert {name: job for name, job in makers(records).items() if job == 1}.keys() == {
        "a.made",
        "b.made",
        "c.made",
    }
    ended = records.turns("000002").read()[-1]
    named = {entry.path.removeprefix(f"{OUT}/") for entry in results(records, ended)}
    assert named == {"b.made", "c.made", "d.made"}


def test_what_it_had_not_begun_is_had_from_the_job_before_that_one(tmp_path: Path) -> None:
    first = job_of(["a", "b", "c", "bad"])
    live(first, tmp_path, "m0")
    second = job_of(["a", "x", "bad"], ["never"], ["b", "c"], resumes=first)
    live_with_the_first_piece_ready(second, tmp_path)
    third = whole("a", "x", "b", "c", resumes=second)
    live(third, tmp_path, "m2")
    assert third.end() == Exit(outcome=Outcome.SUCCESS)
    assert makers(third) == {"a.made": 1, "b.made": 1, "c.made": 1, "x.made": 2, "joined.txt": 3}


def live_with_the_first_piece_ready(records: JobRecords, scratch: Path) -> None:
    """Have a machine work on the one piece that is ready; it fails, and the job is given up."""
    tasks = records.ready().of
    records.set_ready(Ready(1, tasks))
    thread = threading.Thread(target=live, args=(records, scratch, "m1"))
    thread.start()
    while standing(records.turns("000001").read()) is not Standing.FAILED:
        time.sleep(0.01)
    records.set_ready(Ready(tasks, tasks))
    thread.join()
    assert records.begun().keys() == {"000001", MAIN}


def test_its_own_turns_count_before_the_other_job(tmp_path: Path) -> None:
    first = job_of(["a", "bad"])
    live(first, tmp_path, "m0")
    records = whole("a", "b", "c", resumes=first)
    assert records.turns(MAIN).claim("lost")
    own = Entry(path=f"{OUT}/b.made", content=bytes_of(records, "out/main/000001/b"))
    told = (own, *made_by(first).values())
    records.put_page(Page(machine="lost", number=1, task=MAIN, turn=1, files=told))
    records.mark_gone("lost")
    live(records, tmp_path, "m1")
    assert records.end() == Exit(outcome=Outcome.SUCCESS)
    assert printed(records, "out") == "at c\n"


class Doubting(Piecework):
    """Takes b for half written."""

    def resumed(self, job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
        return super().resumed(job, script, view, set(made) - {f"{OUT}/b.made"})


def test_what_is_void_is_not_given_though_it_lies_in_the_folder(tmp_path: Path) -> None:
    first = job_of(["a", "b", "bad"])
    live(first, tmp_path, "m0")
    half = made_by(first)[f"{OUT}/b.made"]
    records = whole("a", "b", resumes=first, given=(half,))
    live(records, tmp_path, "m1", application=Doubting())
    assert printed(records, "out") == "at b\n"


class Failing(Piecework):
    """Has nothing to go on from where `x` is missing, as a checkpoint may be."""

    def resumed(self, job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
        return super().resumed(job, script, view, made) if f"{OUT}/x.made" in made else None


def test_a_job_in_one_piece_that_began_anew_is_all_that_counts(tmp_path: Path) -> None:
    """What the earlier one had made is void then, as it is for a later turn of the same job."""
    first = job_of(["a", "bad"])
    live(first, tmp_path, "m0")
    second = whole("b", "bad", resumes=first)
    live(second, tmp_path, "m1", application=Failing())
    assert set(made_by(second)) == {f"{OUT}/b.made"}


def test_a_job_that_made_nothing_leaves_what_it_was_to_go_on_from(tmp_path: Path) -> None:
    first = job_of(["a", "bad"])
    live(first, tmp_path, "m0")
    second = whole("bad", resumes=first)
    live(second, tmp_path, "m1", application=Failing())
    assert f"{OUT}/a.made" in made_by(second)


def test_what_a_lost_machine_has_told_is_made(tmp_path: Path) -> None:
    """No manifest names it: no turn has ended the task, or nobody was there to write one."""
    records = job_of(["a"])
    assert records.turns("000001").claim("lost")
    entry = Entry(path=f"{OUT}/a.made", content=bytes_of(records, "out/000001/000001/a"))
    records.put_page(Page(machine="lost", number=1, task="000001", turn=1, files=(entry,)))
    assert made_by(records) == {entry.path: entry}
    log = records.turns("000001")
    log.close(log.read()[-1], Deed.FAILED, {"outcome": "failure"})
    assert made_by(records) == {entry.path: entry}


def test_jobs_that_resume_each_other_are_read_once() -> None:
    first = job_of(["a"])
    second = whole("a", resumes=first)
    key = f"{PROJECT}/jobs/00000001/job.json"
    first.store.put(key, replace(first.job(), resumes=second.number).to_bytes())
    assert made_by(second) == {}


def bytes_of(records: JobRecords, place: str) -> Content:
    data, key = place.encode(), f"jobs/{records.number:08d}/{place}"
    records.store.put(f"{PROJECT}/{key}", data)
    return Content(key=key, start=0, stored=len(data), size=len(data), digest=digest_of(data))


@pytest.mark.parametrize("order", [1, -1])
def test_what_a_piece_has_made_anew_wins_over_what_another_took_for_its_own(order: int) -> None:
    """A movie m_1 may be in one piece, and m in another, which takes m_1.mrc for one of its."""
    first = job_of(["a"])
    second = job_of(["a"], ["b"], resumes=first)
    old, new = bytes_of(first, "out/main/000001/old"), bytes_of(second, "out/000002/000001/new")
    for name, content in zip(("000001", "000002"), (old, new)[::order], strict=True):
        log = second.turns(name)
        claim = log.claim("m")
        assert claim
        manifest = entries_to_bytes((Entry(path=f"{OUT}/m_1.mrc", content=content),))
        key = f"jobs/00000002/out/{name}/000001/@manifest"
        second.store.put(f"{PROJECT}/{key}", manifest)
        detail = {"outcome": "success", "manifest": key, "digest": digest_of(manifest)}
        log.close(claim, Deed.DONE, detail)
    assert made_by(second)[f"{OUT}/m_1.mrc"].content == new
