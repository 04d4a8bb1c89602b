"""An errand: what it makes of turns that were lost, of killed couriers, and of damaged slips."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.homeward import home as home_module
from cryoem_cloud.courier.homeward.home import DroppedError, Home
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Spool
from cryoem_cloud.courier.means import Means
from cryoem_cloud.frontends.relion import RelionFrontend
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderUnreachableError,
)
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.keys import manifest_key, page_key
from cryoem_cloud.model.machine import Fleet
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.storage_prices import GB
from cryoem_cloud.model.turn import Deed
from cryoem_cloud.model.usage import Asking, Tariff, Usage
from cryoem_cloud.mover import pull
from cryoem_cloud.mover.beside import part_of
from cryoem_cloud.ports.provider import MOST_FAILURES, Order, Provider
from cryoem_cloud.stores.index import entries_to_bytes
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.testing.clock import StoppedClock
from cryoem_cloud.testing.faults import Fault, FaultyStore

from .conftest import FOLDER, MACHINE, TASK, Bench, Played

_FAILURES = ("RELION_JOB_EXIT_FAILURE", "PIPELINER_JOB_EXIT_FAILED")


def small(path: str, data: bytes, *, at_s: int = 1_700_000_000) -> tuple[Entry, bytes]:
    content = Content(key="", start=0, stored=len(data), size=len(data), digest=digest_of(data))
    return Entry(path=path, content=content, mtime_ns=at_s * 10**9), data


def page(bench: Bench, machine: str, *, turn: int, **parts: object) -> Page:
    """The first page of another machine's."""
    made = Page(machine=machine, number=1, task=TASK, turn=turn, **parts)  # type: ignore[arg-type]  # by name
    key = page_key(bench.records.project, bench.records.number, machine, 1)
    placed = made.placed(key.partition("/")[2])
    bench.store.put(key, placed.to_bytes())
    return placed


def test_parts_of_a_courier_that_was_killed_are_removed(bench: Bench) -> None:
    part = bench.folder / "deep" / ".cryoem-0123456789abcdef.part"
    part.parent.mkdir()
    part.write_text("half of it")
    card = bench.run(lambda b: b.done())
    assert card.outcome is Outcome.SUCCESS
    assert not part.exists()


def test_only_the_last_turn_counts(bench: Bench) -> None:
    def act(bench: Bench) -> None:
        log = bench.records.turns(TASK)
        lost = log.claim("m-1")
        gone = (Entry(path=f"{FOLDER}/empty", kind=Kind.FOLDER),)
        lines = (bench.lines(b"first turn\n"),)
        files = tuple(small(f"{FOLDER}/{name}", b"first") for name in ("same", "first", "again"))
        page(bench, "m-1", turn=1, lines=lines, small=files, files=gone)
        assert lost is not None

    def take_over(bench: Bench) -> None:
        log = bench.records.turns(TASK)
        lost = log.read()[-1]
        claim = log.claim("m-2", over=lost)
        assert claim is not None
        lines = (bench.lines(b"second\n"),)
        again = small(f"{FOLDER}/again", b"first", at_s=1_700_000_001)
        files = (small(f"{FOLDER}/same", b"2nd"), again)
        placed = page(bench, "m-2", turn=2, lines=lines, small=files)
        entries = tuple(entry for entry, _ in placed.small)
        key, data = manifest_key(bench.records.number, TASK, 2), entries_to_bytes(entries)
        bench.store.put(f"{bench.records.project}/{key}", data)
        assert not log.close(lost, Deed.DONE), "a zombie completed"
        said = {"outcome": "success", "code": 0, "manifest": key, "digest": digest_of(data)}
        assert log.close(claim, Deed.DONE, {**said, "pages": 1, "logs": {"out": 7, "err": 0}})

    card = bench.run(act, take_over)
    assert card.outcome is Outcome.SUCCESS, card
    assert (bench.folder / "same").read_bytes() == b"2nd"
    assert (bench.folder / "again").stat().st_mtime == 1_700_000_001
    assert not (bench.folder / "first").exists()
    assert not (bench.folder / "empty").exists()
    assert (bench.folder / "run.out").read_text() == "before\nsecond\n"


def test_the_log_tells_what_bringing_the_job_home_has_cost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, job, made = bench.slip.project.name, bench.slip.job.number, bench.means

    def record() -> None:
        usage = Usage(
            asker="courier-1",
            job=job,
            month="2026-11",
            asked=Asking(writes=1000, home_bytes=100 * GB),
            tariff=Tariff(home_gb=Decimal("0.09"), writes_1000=Decimal("0.005")),
        )
        Ledger(bench.store, project).put_usage(usage, 1)

    def recording(who: str, provider: Provider) -> Means:
        return replace(made(who, provider), record=record)

    monkeypatch.setattr(bench, "means", recording)
    bench.run(lambda bench: bench.done())
    last = (bench.folder / "run.out").read_text().splitlines()[-1]
    assert "cost $9.01: " in last
    assert "requests $0.01; brought home $9.00" in last


def test_a_log_that_is_begun_anew_has_nothing_of_the_old_one(bench: Bench) -> None:
    seen: list[str] = []

    def begin(bench: Bench) -> None:
        bench.records.turns(TASK).claim(MACHINE)
        bench.page(1, lines=(bench.lines(b"a long first line\nand one more\n"),))

    def begin_anew(bench: Bench) -> None:
        bench.page(2, lines=(bench.lines(b"new\n"),))
        bench.page(3, lines=(bench.lines(b"and on\n", start=4),))

    def end(bench: Bench) -> None:
        seen.append((bench.folder / "run.out").read_text())
        claim = bench.records.turns(TASK).read()[-1]
        bench.end_turn(claim, (), pages=3, logs={"out": 11, "err": 0})

    card = bench.run(begin, begin_anew, end)
    assert card.outcome is Outcome.SUCCESS, card
    assert seen == ["before\nnew\nand on\n"]
    assert (bench.folder / "run.out").read_text() == "before\nnew\nand on\n"


def test_what_a_lost_machine_brought_home_stays_where_the_job_is_stopped(bench: Bench) -> None:
    """As of a session whose machine Spot took: somebody had worked there by hand."""

    def act(bench: Bench) -> None:
        assert bench.records.turns(TASK).claim("m-1") is not None
        page(bench, "m-1", turn=1, small=(small(f"{FOLDER}/by-hand", b"mine"),))

    def stopped(bench: Bench) -> None:
        log = bench.records.turns(TASK)
        claim = log.claim("m-2", over=log.read()[-1])
        assert claim is not None
        assert log.close(claim, Deed.FAILED, {"outcome": "aborted", "code": 130, "pages": 0})

    card = bench.run(act, stopped)
    assert card.outcome is Outcome.ABORTED, card
    assert (bench.folder / "by-hand").read_bytes() == b"mine"


def test_machines_that_do_not_boot_fail_the_job_with_what_they_said(bench: Bench) -> None:
    def never(order: Order) -> Fleet:
        provider.see(order)
        return Fleet(failures=MOST_FAILURES, failure_log="no luck")

    provider = Played(lambda: None)
    provider.keep = never  # type: ignore[method-assign]  # this one never boots
    card = bench.run(lambda _: None, provider=provider)
    assert card.outcome is Outcome.FAILURE
    assert "no luck" in (bench.folder / "run.err").read_text()
    assert all((bench.folder / name).exists() for name in _FAILURES)
    assert provider.ended


def test_a_stop_from_another_computer_ends_a_job_that_no_machine_works_on(bench: Bench) -> None:
    looks: list[Order] = []

    def sold_out(order: Order) -> Fleet:
        provider.see(order)
        looks.append(order)
        assert len(looks) < 100, "it goes on ordering"
        bench.records.ask(Control.STOP)
        return Fleet(refusal="sold out")

    provider = Played()
    provider.keep = sold_out  # type: ignore[method-assign]  # this one has no machines
    card = bench.run(provider=provider)
    assert (card.outcome, card.reason) == (Outcome.ABORTED, "stopped on request"), card
    assert provider.ended == provider.kept


class Denied(Played):
    """Lets us do nothing any more."""

    def keep(self, order: Order) -> Fleet:
        raise ProviderDeniedError("AWS does not allow it")

    def tokens(self) -> tuple[str, ...]:
        raise ProviderDeniedError("AWS does not allow it")


def test_a_job_can_be_stopped_though_its_account_is_gone(bench: Bench) -> None:
    bench.spool.ask_stop(bench.slip.name)
    card = bench.run(provider=Denied(lambda: None))
    assert card.outcome is Outcome.ABORTED
    assert "were not ended: AWS does not allow it (cryoem reap)" in card.reason
    assert not bench.spool.holds(bench.slip.name)


def test_machines_that_ended_with_their_job_are_no_failures(bench: Bench) -> None:
    """As those of a group that was deleted by who ended the task, between two looks of ours."""

    def ends_it(order: Order) -> Fleet:
        if not provider.kept:
            bench.done()
        provider.see(order)
        return Fleet(failures=MOST_FAILURES)

    provider = Played(lambda: None)
    provider.keep = ends_it  # type: ignore[method-assign]
    assert bench.run(provider=provider).outcome is Outcome.SUCCESS


@pytest.mark.parametrize("kind", [ProviderUnreachableError, ProviderDeniedError])
def test_a_provider_that_is_busy_or_refuses_is_waited_for(
    bench: Bench, caplog: pytest.LogCaptureFixture, kind: type[ProviderError]
) -> None:
    """As long as credentials have expired, say."""

    def refuse() -> None:
        raise kind("AWS is busy", hint="wait")

    card = bench.run(provider=Played(refuse, refuse, bench.done))
    assert card.outcome is Outcome.SUCCESS
    assert caplog.messages.count("job 1 waits: AWS is busy (wait)") == 2


def test_a_reason_may_name_files_of_any_bytes(bench: Bench) -> None:
    reason = "Movies/\udce9.mrc does not exist"
    card = bench.run(lambda b: b.done(outcome="failure", code=2, reason=reason))
    assert (card.outcome, card.code) == (Outcome.FAILURE, 2)
    assert b"Movies/\xe9.mrc" in (bench.folder / "run.err").read_bytes()


def test_a_job_that_was_brought_home_is_not_brought_home_again(bench: Bench) -> None:
    assert bench.run(lambda b: b.done()).outcome is Outcome.SUCCESS
    (bench.folder / "RELION_JOB_EXIT_SUCCESS").unlink()
    bench.spool.add(bench.slip)
    card = bench.run(lambda b: b.done(), who="courier-2")
    assert card.outcome is Outcome.SUCCESS
    assert not (bench.folder / "RELION_JOB_EXIT_SUCCESS").exists()
    assert bench.spool.empty()


def test_a_damaged_slip_stops_no_other(bench: Bench) -> None:
    folder = bench.top / "state/spool"
    (folder / "00000009.p.slip").write_bytes(b"\0noise")
    assert bench.spool.slips() == (bench.slip,)
    assert Spool(folder).damaged() == ("00000009.p",)


def test_a_slip_follows_its_project(bench: Bench) -> None:
    elsewhere = replace(bench.slip.project, folder=bench.top / "elsewhere")
    bench.spool.follow(elsewhere)
    assert [slip.project.folder for slip in bench.spool.slips()] == [bench.top / "elsewhere"]
    bench.spool.follow(replace(bench.slip.project, name="another", folder=bench.top))
    assert [slip.project.folder for slip in bench.spool.slips()] == [bench.top / "elsewhere"]


def test_an_errand_without_a_slip_ends(bench: Bench) -> None:
    def lose_all(bench: Bench) -> None:
        bench.spool.take_out(bench.slip.name)
        bench.project.rename(bench.top / "gone")

    bench.run(lose_all)  # would wait for the project for ever
    assert not bench.project.exists()


def home_of(bench: Bench, moved: Callable[[int], None]) -> Home:
    return Home(
        store=bench.store,
        project=bench.slip.project,
        job=bench.slip.job,
        application=Shell(),
        frontend=RelionFrontend(),
        cache=Cache(bench.top / "cache.sqlite"),
        inputs=frozenset(),
        umask=None,
        moved=moved,
        refused=pytest.fail,
        again=lambda: None,
    )


@pytest.mark.parametrize("what", ["project", "Shell/job001", "Shell"])
def test_no_folder_of_the_users_is_made_again(bench: Bench, what: str) -> None:
    """Even if it is moved away between the look at it and the write."""
    moved = bench.top / what if what == "project" else bench.project / what

    def move_away(_: int) -> None:
        if moved.exists():
            moved.rename(bench.top / "away")

    home = home_of(bench, move_away)
    files = [small(f"{FOLDER}/{name}", b"x") for name in ("a", "deep/b", "c")]
    with pytest.raises(FileNotFoundError):
        home.place((), files)
    assert not moved.exists()


@pytest.mark.parametrize("kind", [Kind.FILE, Kind.LINK])
def test_nothing_comes_into_a_folder_that_was_made_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    """Even if the job's own goes to the trash between the look at it and the write."""
    folder, home = bench.project / FOLDER, home_of(bench, lambda _: None)

    def made_anew(path: Path) -> Path:
        folder.rename(bench.top / "trash")
        folder.mkdir()
        return part_of(path)

    monkeypatch.setattr(home_module if kind is Kind.LINK else pull, "part_of", made_anew)
    link, file = Entry(path=f"{FOLDER}/a", kind=Kind.LINK, target="b"), small(f"{FOLDER}/a", b"x")
    with pytest.raises(DroppedError, match="made again"):
        home.place((link,)) if kind is Kind.LINK else home.place((), [file])
    assert not list(folder.iterdir())


def test_a_silent_job_is_looked_at_seldom(bench: Bench) -> None:
    asked: Counter[str] = Counter()

    def count(_: str, key: str) -> Fault:
        asked[key.split("/")[3] if key.count("/") > 2 else key] += 1
        return Fault.NONE

    def claim(bench: Bench) -> None:
        assert bench.records.turns(TASK).claim(MACHINE)
        asked.clear()

    def end(bench: Bench) -> None:
        silent.update(asked)
        bench.done()

    silent: Counter[str] = Counter()
    bench.store = FaultyStore(bench.store, count)
    looks = 240
    assert bench.run(claim, *[lambda _: None] * looks, end).outcome is Outcome.SUCCESS
    assert silent["machines"] >= looks  # its journal: a line may come at any time
    assert silent["turns"] <= looks / 8
    assert silent["deliver"] <= looks / 20


def pipeline_says(bench: Bench, status: str) -> None:
    (bench.project / "default_pipeline.star").write_text(
        "data_pipeline_processes\n\nloop_\n_rlnPipeLineProcessName #1\n"
        f"_rlnPipeLineProcessStatus #2\n{FOLDER}/ {status}\n\n"
    )


def test_a_job_that_is_marked_as_finished_while_it_runs_is_given_up(bench: Bench) -> None:
    def claim(bench: Bench) -> None:
        assert bench.records.turns(TASK).claim(MACHINE)

    pipeline_says(bench, "0")
    bench.run(claim, lambda b: pipeline_says(b, "2"))
    assert bench.card().begun
    assert bench.card().outcome is Outcome.ABORTED
    assert "marked as finished" in bench.card().reason


def test_what_is_said_of_an_earlier_job_in_the_folder_counts_for_nothing(bench: Bench) -> None:
    pipeline_says(bench, "2")
    assert bench.run(lambda b: b.done()).outcome is Outcome.SUCCESS
    assert not bench.card().begun


def test_a_courier_remembers_that_its_job_was_said_to_run(bench: Bench) -> None:
    bench.cards.write(replace(bench.card(), begun=True))
    pipeline_says(bench, "3")
    assert "marked as failed" in bench.run(lambda _: None).reason


def test_another_courier_is_named_only_where_it_is_elsewhere(bench: Bench) -> None:
    """Two of this computer have one card: the one that brings the job home says how it stands."""
    ours, second = (CardDesk(bench.card(), bench.cards, StoppedClock()) for _ in range(2))
    ours.brought_by("courier-1", ours=True)
    ours.phase(Phase.RUNNING)
    second.brought_by("courier-1", ours=False)
    assert (bench.card().phase, bench.card().note) == (Phase.RUNNING, "")
    second.brought_by("courier-9", ours=False)
    assert bench.card().note == "another courier brings this job home"
