"""A job in pieces while it is sent: machines begin, the store is away, the list changes."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.courier.sending import sender
from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.job import Job, Outcome, Wish
from cryoem_cloud.model.launch import Launch
from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.model.task import Ready
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.ports.application import Cut
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.ports.view import View
from tests.courier.conftest import FOLDER, Bench
from tests.courier.pieced import Hands, Raw, Slow, pieced, run
from tests.piecework import LIST


class Unfinished(Raw):
    """Cuts its list by the items of which nothing is there."""

    def cut(self, job: Job, view: View) -> Cut | None:
        whole = super().cut(job, view)
        assert whole is not None
        lines = whole.part(0, whole.items).splitlines(keepends=True)
        left = [line for line in lines if f"{line.decode().strip()}.made" not in view.names(FOLDER)]

        def part(first: int, last: int) -> bytes:
            return b"".join(lines if (first, last) == (0, len(left)) else left[first:last])

        return replace(whole, items=len(left), part=part)


def test_machines_work_while_the_rest_is_still_sent(bench: Bench, tmp_path: Path) -> None:
    """The last input leaves only once what was made of the first is home."""
    bench = pieced(bench, ["a", "b", "c"], Wish(pieces=3, count=1))
    store = bench.store
    assert isinstance(store, Slow)

    def wait_for_a(name: str) -> None:
        until = time.monotonic() + 60
        while name == "c" and not (bench.folder / "a.made").exists():
            assert time.monotonic() < until
            time.sleep(0.05)

    store.before = wait_for_a
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.SUCCESS
    assert store.taken == ["a", "b", "c"]
    assert bench.records.ready() == Ready(4, 4)


def test_a_store_that_is_away_for_a_while_keeps_nothing_from_coming(
    bench: Bench, tmp_path: Path
) -> None:
    bench = pieced(bench, ["a", "b", "c"], Wish(pieces=3, count=1))
    store = bench.store
    assert isinstance(store, Slow)
    troubles = ["b"]

    def once(name: str) -> None:
        if name in troubles:
            troubles.remove(name)
            raise StoreUnreachableError("away")

    store.before = once
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.SUCCESS
    assert (bench.folder / "joined.txt").read_text().split() == ["a.made", "b.made", "c.made"]


class Told(Raw):
    """Its work is known, and much."""

    def work(self, job: Job, view: View) -> Work | None:
        return Work(
            program=Program.MOTION, items=2000, pixels=25_000_000, frames=40, divisible=True
        )


def test_as_many_machines_share_a_job_as_is_planned_and_the_plan_stays_above_its_log(
    bench: Bench, tmp_path: Path
) -> None:
    bench = replace(pieced(bench, ["a", "b", "c"], Wish(pieces=3)), application=Told())
    store, log, seen = bench.store, bench.folder / "run.out", list[str]()
    assert isinstance(store, Slow)

    def once_told(name: str) -> None:
        until = time.monotonic() + 60
        while name == "c" and not seen:
            assert time.monotonic() < until
            time.sleep(0.05)
            seen.extend([said] if "has ended" in (said := log.read_text()) else [])

    store.before = once_told
    hands = Hands(bench, tmp_path / "machines", sells=True, region="us-west-2")
    run(bench, tmp_path, hands)
    assert bench.card().outcome is Outcome.SUCCESS
    plan = bench.records.plan()
    assert plan is not None
    assert plan.count > 3
    assert len(hands.machines) == 3
    assert seen[0].startswith(f"before\n{plan.text}cryoem: piece 1 of 3: lines 1 to 1: ended")
    assert log.read_text().startswith(f"before\n{plan.text}== piece 1 of 3: lines 1 to 1 ==\n")


class Booting(Hands):
    """Machines come up once a second fleet has been ordered."""

    def keep(self, order: Order) -> Fleet:
        if self.bench.records.launches() < 2:
            return Fleet(machines=(Machine(name=f"{order.token}-0", state=State.STARTING),))
        return super().keep(order)


def test_machines_of_a_job_that_takes_long_to_send_are_ordered_as_it_is_sent(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one alone; all others once the last piece is there."""
    monkeypatch.setattr(sender, "_SLOW_BYTES", 0)
    bench = replace(pieced(bench, ["a", "b", "c"], Wish(pieces=3)), application=Told())
    store, records = bench.store, bench.records
    assert isinstance(store, Slow)
    monkeypatch.setattr(Slow, "properties", replace(store.properties, local=False))

    def once_ordered(name: str) -> None:
        until = time.monotonic() + 60
        while name == "c" and not records.launches():
            assert time.monotonic() < until
            time.sleep(0.05)

    store.before = once_ordered
    hands = Booting(bench, tmp_path / "machines", sells=True, region="us-west-2")
    run(bench, tmp_path, hands)
    assert bench.card().outcome is Outcome.SUCCESS
    plan = records.plan()
    assert plan is not None
    first, second = records.launch(1), records.launch(2)
    assert first == Launch(offer=plan.offers[0], count=1)
    assert second == Launch(offer=plan.offers[0], count=2, beside=(1,))
    assert len(hands.machines) == 3


def test_what_was_said_of_pieces_before_a_trouble_does_not_stay_in_the_log(
    bench: Bench, tmp_path: Path
) -> None:
    bench = pieced(bench, ["a", "b", "c"], Wish(pieces=3, count=1))
    store = bench.store
    assert isinstance(store, Slow)
    log = bench.folder / "run.out"
    troubles = ["c"]

    def once_told(name: str) -> None:
        if name in troubles:
            troubles.remove(name)
            until = time.monotonic() + 60
            while "1 of 3 pieces has ended" not in log.read_text():
                assert time.monotonic() < until
                time.sleep(0.05)
            raise StoreUnreachableError("away")

    store.before = once_told
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.SUCCESS
    assert log.read_text().startswith("before\n== piece 1 of 3: lines 1 to 1 ==\nat a\n")
    assert bench.card().log_starts == (len("before\n"), 0)


def test_a_job_that_is_cut_stays_so_when_most_of_it_has_been_sent(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut as there is much to send; after a trouble there is not much left."""
    bench = pieced(bench, ["a", "b", "c"], Wish(count=1))
    monkeypatch.setattr(sender, "_SLOW_BYTES", len("a\nb\nc\nabc"))
    store = bench.store
    assert isinstance(store, Slow)
    monkeypatch.setattr(Slow, "properties", replace(store.properties, local=False))
    troubles = ["c"]

    def once(name: str) -> None:
        if name in troubles:
            troubles.remove(name)
            raise StoreUnreachableError("away")

    store.before = once
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.SUCCESS
    assert (bench.folder / "joined.txt").read_text().split() == ["a.made", "b.made", "c.made"]
    assert [task.name for task in bench.records.all_tasks()][-1:] == ["main"]
    assert len(list(bench.records.all_tasks())) > 2


def test_a_job_that_goes_on_stays_cut_as_it_was(bench: Bench, tmp_path: Path) -> None:
    """It is cut by what is left, and once it is asked again some of that is done and home."""
    bench = replace(pieced(bench, list("abcd"), Wish(pieces=3)), application=Unfinished())
    (bench.folder / "b.made").write_text("made of b\n")
    store = bench.store
    assert isinstance(store, Slow)
    troubles = ["d"]

    def once_home(name: str) -> None:
        if name in troubles:
            until = time.monotonic() + 60
            while not (bench.folder / "a.made").exists():
                assert time.monotonic() < until
                time.sleep(0.05)
            troubles.remove(name)
            raise StoreUnreachableError("away")

    store.before = once_home
    run(bench, tmp_path)
    assert not troubles
    titles = [task.title for task in bench.records.all_tasks() if task.is_piece]
    assert titles == [f"piece {n} of 3: lines {n} to {n}" for n in (1, 2, 3)]
    assert bench.card().outcome is Outcome.SUCCESS, bench.card().reason


def test_an_earlier_word_of_how_much_is_ready_may_land_last(bench: Bench, tmp_path: Path) -> None:
    bench = pieced(bench, ["a", "b", "c"], Wish(pieces=3, count=1))
    store = bench.store
    assert isinstance(store, Slow)
    last = Ready(4, 4).to_bytes()
    store.lost = [last]
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.SUCCESS
    assert not store.lost
    assert (bench.folder / "joined.txt").read_text().split() == ["a.made", "b.made", "c.made"]


def test_a_piece_that_fails_ends_the_job_and_the_rest_is_not_sent(
    bench: Bench, tmp_path: Path
) -> None:
    bench = pieced(bench, ["bad", *(f"i{n}" for n in range(50))], Wish(pieces=51, count=1))
    store = bench.store
    assert isinstance(store, Slow)
    store.before = lambda _: time.sleep(0.3)
    run(bench, tmp_path)
    card = bench.card()
    assert card.outcome is Outcome.FAILURE
    assert "piece 1 of 51: lines 1 to 1: " in card.reason
    assert "no good: bad" in (bench.folder / "run.err").read_text()
    assert len(store.taken) < 50


def test_a_list_that_changes_while_it_is_sent_is_told(bench: Bench, tmp_path: Path) -> None:
    bench = pieced(bench, ["a", "b", "c", "d"], Wish(pieces=4, count=1))
    store = bench.store
    assert isinstance(store, Slow)

    def change(name: str) -> None:
        if name == "c" and not (bench.project / "changed").exists():
            (bench.project / "changed").touch()
            (bench.project / LIST).write_text("e\nb\nc\nd\n")
            (bench.project / "raw" / "e").write_text("e")
            raise StoreUnreachableError("away, so that the list is read again")

    store.before = change
    bench = replace(
        bench, slip=replace(bench.slip, job=replace(bench.slip.job, wish=Wish(pieces=2)))
    )
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.FAILURE
    assert "items.txt changed after a part of job" in bench.card().reason


@pytest.mark.parametrize("wish", [Wish(pieces=1), Wish(pieces=3, count=1)])
def test_a_stop_ends_the_sending_of_inputs(
    bench: Bench, tmp_path: Path, wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any machine has the job, and while machines work on its first piece.

    What is on its way arrives.
    """
    monkeypatch.setattr("cryoem_cloud.courier.sending.upload._FEWEST_BUNDLED", 1000)
    others = [f"m{number:02d}" for number in range(60)]
    bench = pieced(bench, ["slow-1", *others] if wish.count else others, wish)
    store = bench.store
    assert isinstance(store, Slow)

    def stop(name: str) -> None:
        if name in others:
            bench.spool.ask_stop(bench.slip.name)
            time.sleep(1.5)

    store.before = stop
    run(bench, tmp_path)
    card = bench.card()
    assert (card.outcome, card.reason) == (Outcome.ABORTED, "stopped on request")
    assert len(set(others) & set(store.taken)) <= len(others) / 2
