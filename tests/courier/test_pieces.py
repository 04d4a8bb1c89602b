"""A job in pieces, from the folder to machines and home again; machines are real agents."""

from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.model.job import Outcome, Wish
from cryoem_cloud.model.phase import Phase
from tests.courier.conftest import FOLDER, Bench
from tests.courier.pieced import Hands, pieced, run
from tests.piecework import GO_ON, script_of

PATIENT = script_of(FOLDER).replace("late*) sleep 4; exit 3", "late*) sleep 4")
"""Its late items are slow, and good."""


class Kept(Cards):
    """Remembers what was written on them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.seen: list[Card] = []

    def write(self, card: Card) -> None:
        self.seen.append(card)
        super().write(card)


def test_all_is_home_as_if_one_machine_had_made_it(bench: Bench, tmp_path: Path) -> None:
    bench = pieced(bench, ["a", "b", "c", "d", "e"], Wish(pieces=3, count=2))
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.SUCCESS
    assert (bench.folder / "joined.txt").read_text().split() == [f"{i}.made" for i in "abcde"]
    assert (bench.folder / "b.made").read_text() == "made of b\n"
    assert (bench.folder / "RELION_JOB_EXIT_SUCCESS").exists()
    log = (bench.folder / "run.out").read_text()
    assert log == (
        "before\n== piece 1 of 3: lines 1 to 1 ==\nat a\n"
        "== piece 2 of 3: lines 2 to 3 ==\nat b\nat c\n"
        "== piece 3 of 3: lines 4 to 5 ==\nat d\nat e\n"
    )


def test_a_job_says_how_far_it_is_and_counts_its_time_from_its_first_piece_on(
    bench: Bench, tmp_path: Path
) -> None:
    bench = pieced(bench, ["a", "b", "late", "d"], Wish(pieces=4, count=2))
    bench = replace(bench, slip=replace(bench.slip, job=replace(bench.slip.job, script=PATIENT)))
    kept = Kept(bench.top / "state/jobs")
    bench = replace(bench, cards=kept)
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.SUCCESS
    assert bench.card().run_s >= 3
    notes = dict.fromkeys(card.note for card in kept.seen if card.phase is Phase.RUNNING)
    notes.pop("4 of 4 pieces have ended", None)  # what joins them may be told of before
    assert list(notes) == [
        "0 of 4 pieces have ended",
        "1 of 4 pieces has ended",
        "2 of 4 pieces have ended",
        "3 of 4 pieces have ended",
        "joining 4 pieces",
    ]


def test_the_last_turn_says_how_many_pieces_each_machine_has_ended(
    bench: Bench, tmp_path: Path
) -> None:
    bench = pieced(bench, ["a", "b", "c", "d", "e"], Wish(pieces=5, count=2))
    hands = Hands(bench, tmp_path / "machines")
    run(bench, tmp_path, hands)
    told = bench.records.turns("main").read()[-1].detail["machines"]
    assert sum(told.values()) == 5
    assert set(told) <= set(hands.machines)


def test_the_last_turn_says_what_it_ran(bench: Bench, tmp_path: Path) -> None:
    bench = pieced(bench, ["a", "b"], Wish(pieces=2, count=1))
    run(bench, tmp_path)
    detail = bench.records.turns("main").read()[-1].detail
    assert detail["script"] == GO_ON + script_of(FOLDER)
    assert "script" not in bench.records.turns("000001").read()[-1].detail


@pytest.mark.parametrize("wish", [Wish(pieces=1, count=3), Wish(count=1)])
def test_a_job_that_is_not_worth_it_is_one_task(bench: Bench, tmp_path: Path, wish: Wish) -> None:
    bench = pieced(bench, ["a", "b"], wish)
    run(bench, tmp_path)
    assert bench.card().outcome is Outcome.SUCCESS
    assert [task.name for task in bench.records.all_tasks()] == ["main"]


def test_no_more_machines_are_ordered_than_can_work_at_once(bench: Bench, tmp_path: Path) -> None:
    bench = pieced(bench, ["a", "b", "c"], Wish(pieces=2, count=5))
    hands = Hands(bench, tmp_path / "machines")
    run(bench, tmp_path, hands)
    assert bench.card().outcome is Outcome.SUCCESS
    assert len(hands.machines) == 2
