"""What front ends do of a job on this computer: before it is in the store, and once it is home."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.frontends.relion import RelionFrontend
from cryoem_cloud.model.errors import ObjectMissingError, RefusedError
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.ports.frontend import AtHome

from .conftest import Bench, Played

_REQUEST = "RELION_JOB_ABORT_NOW"


@dataclass
class Careful(RelionFrontend):
    """Has programs of its own before and after machines."""

    acts: list[Callable[[AtHome], bool]] = field(default_factory=list)
    """What it does to prepare: True, and the job is prepared."""
    ends: list[Exit | None] = field(default_factory=list)
    """How jobs end, one after the other; then as they are."""
    concluded: list[Exit] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def prepares(self, job: Job) -> bool:
        return job.script == "true"

    def prepare(self, job: Job, home: AtHome) -> Job | None:
        done = self.acts.pop(0)(home) if self.acts else home.wanted()
        return replace(job, script="true # prepared") if done else None

    def conclude(self, job: Job, home: AtHome, exit_: Exit) -> Exit | None:
        self.concluded.append(exit_)
        return self.ends.pop(0) if self.ends else exit_


def run(bench: Bench, frontend: Careful, *acts: Callable[[], None], who: str = "c-1") -> None:
    """Go the errand with that front end."""
    means = replace(bench.means(who, Played(*acts)), frontend=lambda _: frontend)
    slip = bench.spool.slip(bench.slip.name)
    assert slip is not None
    Errand(slip, means, CardDesk(bench.card(), bench.cards, means.clock)).run()


def test_machines_get_the_prepared_job_and_so_does_the_spool(bench: Bench) -> None:
    seen: list[Job] = []

    def act() -> None:
        slip = bench.spool.slip(bench.slip.name)
        assert slip is not None
        seen.extend((slip.job, bench.records.job()))
        bench.done()

    run(bench, Careful(), act)
    assert [job.script for job in seen] == ["true # prepared"] * 2
    assert bench.records.tasks(0)[0].script == "true # prepared"
    assert bench.card().outcome is Outcome.SUCCESS


def test_a_job_that_cannot_be_prepared_fails_with_the_reason_and_is_never_sent(
    bench: Bench,
) -> None:
    def refuse(_: AtHome) -> bool:
        raise RefusedError("no program of RELION's", hint="choose another")

    frontend = Careful(acts=[refuse])
    run(bench, frontend)
    assert bench.card().outcome is Outcome.FAILURE
    assert "no program of RELION's (choose another)" in (bench.folder / "run.err").read_text()
    assert (bench.folder / "RELION_JOB_EXIT_FAILURE").exists()
    assert not bench.records.ready().count
    assert bench.records.job() == bench.slip.job


def test_a_refusal_is_the_same_after_a_restart(bench: Bench) -> None:
    bench.records.put_job(bench.slip.job)
    bench.records.put_end(Exit(outcome=Outcome.FAILURE, code=5, reason="as before"))
    run(bench, Careful())
    assert (bench.card().outcome, bench.card().reason) == (Outcome.FAILURE, "as before")


def test_a_job_that_the_store_has_unprepared_is_not_prepared_any_more(bench: Bench) -> None:
    bench.records.put_job(bench.slip.job)
    run(bench, Careful())
    assert bench.card().outcome is Outcome.FAILURE
    assert "could not be prepared" in bench.card().reason


def test_the_store_knows_better_than_a_slip_that_was_written_before(bench: Bench) -> None:
    stored = replace(bench.slip.job, script="true # of a courier that was killed")
    bench.records.put_job(stored)
    run(bench, Careful(), bench.done)
    assert bench.records.tasks(0)[0].script == stored.script
    assert bench.card().outcome is Outcome.SUCCESS


def test_a_stop_while_the_job_is_prepared_is_an_abort(bench: Bench) -> None:
    def stop(home: AtHome) -> bool:
        assert home.wanted()
        assert bench.card().note == "asks relion what the job runs"
        (bench.folder / _REQUEST).touch()
        return home.wanted()

    run(bench, Careful(acts=[stop]))
    assert bench.card().outcome is Outcome.ABORTED
    assert not bench.records.ready().count
    assert not (bench.folder / _REQUEST).exists(), "or it would abort the next job"


def test_a_courier_that_is_to_end_prepares_later(bench: Bench) -> None:
    frontend = Careful()
    means = replace(bench.means("c-1", Played()), frontend=lambda _: frontend)

    def end(home: AtHome) -> bool:
        means.stopping.set()
        return home.wanted()

    frontend.acts.append(end)
    Errand(bench.slip, means, CardDesk(bench.card(), bench.cards, means.clock)).run()
    assert bench.card().open
    with pytest.raises(ObjectMissingError):
        bench.records.job()
    run(bench, frontend, bench.done)
    assert bench.card().outcome is Outcome.SUCCESS


def test_the_front_ends_last_steps_decide_after_the_logs_and_before_the_markers(
    bench: Bench,
) -> None:
    failure = Exit(outcome=Outcome.FAILURE, code=1, reason="no data in a.star")
    run(bench, Careful(ends=[failure]), bench.done)
    assert bench.card().outcome is Outcome.FAILURE
    assert bench.records.end() == failure
    assert "no data in a.star" in (bench.folder / "run.err").read_text()
    assert not (bench.folder / "RELION_JOB_EXIT_SUCCESS").exists()


def test_last_steps_that_were_cut_off_are_taken_again(bench: Bench) -> None:
    frontend = Careful(ends=[None])
    run(bench, frontend, bench.done)
    assert [exit_.outcome for exit_ in frontend.concluded] == [Outcome.SUCCESS] * 2
    assert bench.card().outcome is Outcome.SUCCESS


def test_a_job_that_no_machine_has_ended_is_concluded_too(bench: Bench) -> None:
    bench.spool.ask_stop(bench.slip.name)
    frontend = Careful()
    run(bench, frontend)
    assert [exit_.outcome for exit_ in frontend.concluded] == [Outcome.ABORTED]


def test_last_steps_that_do_not_end_can_be_stopped(bench: Bench) -> None:
    """As of a Python on a disk that does not answer."""

    class Stuck(Careful):
        def conclude(self, job: Job, home: AtHome, exit_: Exit) -> Exit | None:
            bench.spool.ask_stop(bench.slip.name)
            return super().conclude(job, home, exit_) if home.wanted() else None

    run(bench, Stuck(), bench.done)
    assert bench.card().outcome is Outcome.ABORTED
    assert "stopped on request while its last steps" in bench.card().reason
    assert (bench.folder / "RELION_JOB_EXIT_ABORTED").exists()
