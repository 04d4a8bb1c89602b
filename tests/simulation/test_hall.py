"""Jobs under a simulated clock: what happens follows from the real taker and turn logs."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoem_cloud.agent.take import MOST_CLAIMS
from cryoem_cloud.simulation.hall import Machinery, ToDo, happened


def dice() -> random.Random:
    return random.Random(7)


def test_a_job_without_pieces_takes_boot_and_run() -> None:
    found = happened(ToDo(join_s=3600), Machinery(count=1, boot_s=180), dice())
    assert (found.end_s, found.machine_s, found.lost) == (3780, 3780, 0)


def test_a_machine_that_is_up_begins_at_once() -> None:
    found = happened(ToDo(join_s=3600), Machinery(count=1, boot_s=180, is_up=True), dice())
    assert found.end_s == 3600


def test_machines_that_are_not_needed_leave() -> None:
    found = happened(ToDo(join_s=3600), Machinery(count=3, boot_s=180), dice())
    assert found.end_s == 3780
    assert found.machine_s < 3780 + 2 * 400


def test_pieces_are_shared_evenly() -> None:
    one, four = (
        happened(ToDo(pieces=[60.0] * 40, join_s=30), Machinery(count=n, boot_s=100), dice())
        for n in (1, 4)
    )
    assert one.end_s == 100 + 40 * 60 + 30
    assert four.end_s == pytest.approx(100 + 10 * 60 + 30, abs=10)


def test_what_comes_late_is_waited_for() -> None:
    come_s = [100.0 * n for n in range(1, 21)]
    todo = ToDo(pieces=[30.0] * 20, come_s=come_s, join_s=10)
    found = happened(todo, Machinery(count=1, boot_s=0), dice())
    assert found.end_s == pytest.approx(2000 + 30 + 10, abs=40)


def test_a_lost_machine_costs_a_piece_and_its_replacement_boots() -> None:
    todo = ToDo(pieces=[600.0] * 64, join_s=60)
    whole = happened(todo, Machinery(count=4, boot_s=180), dice())
    lossy = happened(todo, Machinery(count=4, boot_s=180, losses_h=0.5), dice())
    assert lossy.lost > 0
    assert len(lossy.lives) == 4 + lossy.lost
    assert whole.end_s < lossy.end_s < whole.end_s + lossy.lost * (600 + 180 + 120)


def test_a_lost_refinement_goes_on_from_its_last_iteration() -> None:
    losses = Machinery(count=1, boot_s=180, losses_h=0.5)
    with_them = happened(ToDo(join_s=14_400, checkpoints_s=600), losses, dice())
    without = happened(ToDo(join_s=14_400), losses, dice())
    assert with_them.lost > 1
    most_s = 14_400 + (with_them.lost + 1) * 180 + with_them.lost * (600 + 120)
    assert 14_580 < with_them.end_s <= most_s
    assert without.end_s > with_them.end_s


def test_a_task_with_which_every_machine_is_lost_is_given_up() -> None:
    losses = Machinery(count=1, boot_s=60, losses_h=5)
    found = happened(ToDo(join_s=36_000), losses, dice())
    assert found.failed
    assert found.lost == MOST_CLAIMS


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.floats(1, 900), min_size=1, max_size=30),
    machinery=st.builds(
        Machinery,
        count=st.integers(1, 6),
        boot_s=st.floats(0, 400),
        losses_h=st.sampled_from([0.0, 0.3]),
    ),
    seed=st.integers(0, 2**32),
)
def test_machines_are_paid_for_all_work_and_no_longer_than_it_lasts(
    pieces: list[float], machinery: Machinery, seed: int
) -> None:
    found = happened(ToDo(pieces=pieces, join_s=20), machinery, random.Random(seed))
    assert found.machine_s >= sum(pieces) + 20 - 1e-6
    assert found.end_s >= machinery.boot_s + max(pieces) + 20 - 1e-6
    assert all(0 <= life.from_s <= life.to_s <= found.end_s for life in found.lives)
    ends = sorted(life.to_s for life in found.lives)
    assert all(first <= second for first, second in pairwise(ends))


def test_the_same_dice_give_the_same() -> None:
    todo, losses = ToDo(pieces=[300.0] * 30, join_s=5), Machinery(count=3, boot_s=9, losses_h=1)
    assert happened(todo, losses, dice()) == happened(todo, losses, dice())


def streamed(*, busy: float, expected: float = 1.0, minutes: int = 120) -> ToDo:
    """A piece a minute, each of which keeps `busy` machines for that minute."""
    come_s = [60.0 * n for n in range(1, minutes + 1)]
    return ToDo(pieces=[60.0 * busy] * minutes, come_s=come_s, join_s=10, expected=expected)


@pytest.mark.parametrize("expected", [0.5, 1.0])
def test_machines_come_as_pieces_do_and_hardly_wait(expected: float) -> None:
    todo = streamed(busy=2.5, expected=expected)
    found = happened(todo, Machinery(count=12, boot_s=180), dice())
    work_s = sum(todo.pieces)
    assert 7200 + 150 < found.end_s < 7200 + 600
    assert found.machine_s < 1.25 * work_s
    assert len({life.from_s for life in found.lives}) > 1


def test_where_machines_are_slower_than_the_line_all_are_soon_there() -> None:
    todo = streamed(busy=20.0, minutes=60)
    found = happened(todo, Machinery(count=6, boot_s=180), dice())
    assert found.end_s < 1.06 * sum(todo.pieces) / 6 + 180
    assert max(life.from_s for life in found.lives) < 180
