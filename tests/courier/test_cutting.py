"""How large pieces are."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cryoem_cloud.courier.piecework.cutting import piece_sizes

COUNTS = st.integers(1, 20_000)


@given(items=COUNTS, machines=st.integers(1, 300), item_s=st.floats(0.01, 10_000))
def test_pieces_are_all_the_items_and_none_is_empty(
    items: int, machines: int, item_s: float
) -> None:
    sizes = piece_sizes(items, machines=machines, item_s=item_s)
    assert sum(sizes) == items
    assert all(size > 0 for size in sizes)
    assert list(sizes[:-1]) == sorted(sizes[:-1], reverse=True)


@given(items=COUNTS, machines=st.integers(2, 50), item_s=st.floats(0.1, 600))
@example(items=16, machines=11, item_s=413.0)
def test_no_machine_waits_long_for_the_last_one(items: int, machines: int, item_s: float) -> None:
    """By lists of equal items: the end differs by no more than the longest of the last pieces."""
    sizes = piece_sizes(items, machines=machines, item_s=item_s)
    free_at = [0.0] * machines
    for size in sizes:
        at = free_at.index(min(free_at))
        free_at[at] += size * item_s
    assert max(free_at) - min(free_at) <= max(sizes) * item_s + 1e-6
    if items * item_s >= 10 * 60 * machines:  # enough for each
        assert max(free_at) <= 1.35 * -(-items // machines) * item_s


@given(items=COUNTS, wanted=st.integers(2, 30_000))
def test_a_wanted_number_of_pieces_is_kept_if_there_are_items(items: int, wanted: int) -> None:
    sizes = piece_sizes(items, machines=1, item_s=1.0, wanted=wanted)
    assert len(sizes) == min(items, wanted)
    assert sum(sizes) == items
    assert max(sizes) - min(sizes) <= 1


def test_what_takes_seconds_is_not_cut() -> None:
    assert piece_sizes(20, machines=4, item_s=3.0) == (20,)


@given(items=COUNTS, machines=st.integers(1, 50), item_s=st.floats(0.1, 600))
def test_where_sending_takes_time_the_first_piece_is_a_short_one(
    items: int, machines: int, item_s: float
) -> None:
    sizes = piece_sizes(items, machines=machines, item_s=item_s, streamed=True)
    assert sum(sizes) == items
    assert len(sizes) == 1 or sizes[0] * item_s <= max(60 + item_s, item_s)
    assert len(set(sizes[:-1])) <= 1


@given(
    items=COUNTS,
    machines=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    wanted=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    part=st.floats(0, 1),
)
def test_pieces_that_were_begun_stay_whatever_the_plan_is_now(
    items: int,
    machines: tuple[int, int],
    wanted: tuple[int, int],
    part: float,
) -> None:
    before = piece_sizes(items, machines=machines[0], item_s=7.0, wanted=wanted[0], streamed=True)
    begun = before[: round(len(before) * part)]
    sizes = piece_sizes(items, machines=machines[1], item_s=7.0, wanted=wanted[1], begun=begun)
    assert sizes[: len(begun)] == begun
    assert sum(sizes) == items
    assert all(size > 0 for size in sizes)


@given(
    items=COUNTS,
    machines=st.integers(1, 50),
    wanted=st.integers(0, 50),
    streamed=st.booleans(),
    part=st.floats(0, 1),
)
def test_a_plan_that_begins_anew_is_the_same_plan(**drawn: Any) -> None:  # noqa: ANN401  (drawn)
    part, items = drawn.pop("part"), drawn.pop("items")
    plan = piece_sizes(items, item_s=7.0, **drawn)
    begun = plan[: round(len(plan) * part)]
    assert piece_sizes(items, item_s=7.0, begun=begun, **drawn) == plan
