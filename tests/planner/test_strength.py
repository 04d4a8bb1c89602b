"""How many machines a job is worth while its inputs arrive: laws, and what comes of it."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cryoem_cloud.planner.strength import Todo, manned, strength

BOOT_S = 180.0
_HOUR_S = 3600.0
SECONDS = st.floats(0, 1e6)
TODO = st.builds(
    Todo,
    ready_s=SECONDS,
    coming_s=SECONDS,
    sent_in_s=SECONDS,
    boot_s=st.floats(1, 1000),
)
MOST = st.integers(1, 64)


@given(todo=TODO, most=MOST, share=st.floats(0, 1))
def test_it_is_within_the_plan_and_never_shrinks(todo: Todo, most: int, share: float) -> None:
    there = round(share * most)
    found = strength(todo, there=there, most=most)
    assert there <= found <= most
    assert found >= 1 or todo.ready_s + todo.coming_s == 0


@given(todo=TODO, most=MOST, share=st.floats(0, 1), more_s=SECONDS)
def test_more_that_is_ready_never_makes_it_fewer(
    todo: Todo, most: int, share: float, more_s: float
) -> None:
    there = round(share * most)
    more = replace(todo, ready_s=todo.ready_s + more_s)
    assert strength(more, there=there, most=most) >= strength(todo, there=there, most=most)


@given(boots=st.integers(1, 200), most=MOST, share=st.floats(0, 1))
def test_once_all_is_sent_all_are_there_that_have_work_for_a_boot(
    boots: int, most: int, share: float
) -> None:
    there = round(share * most)
    todo = Todo(ready_s=boots * BOOT_S, coming_s=0, sent_in_s=0, boot_s=BOOT_S)
    assert strength(todo, there=there, most=most) == max(1, there, min(most, boots - there))


@given(todo=TODO, most=MOST)
def test_nothing_more_is_worth_it_later_once_all_is_sent(todo: Todo, most: int) -> None:
    """So a courier that sleeps from then on, or is killed, leaves nothing undone."""
    sent = replace(todo, coming_s=0, sent_in_s=0)
    there = strength(sent, there=0, most=most)
    there = strength(sent, there=there, most=most)
    later = replace(sent, ready_s=sent.ready_s / 2)
    assert strength(later, there=there, most=most) == there


def test_a_line_that_is_slower_than_machines_gets_as_many_as_it_keeps_busy() -> None:
    coming = Todo(ready_s=0, coming_s=3.2 * 4 * _HOUR_S, sent_in_s=4 * _HOUR_S, boot_s=BOOT_S)
    assert strength(coming, there=0, most=12) == 3
    assert strength(coming, there=3, most=12) == 3


def test_what_piles_up_is_worth_a_machine_when_it_fills_it_until_all_is_sent() -> None:
    half = Todo(ready_s=1000, coming_s=3 * _HOUR_S, sent_in_s=_HOUR_S, boot_s=BOOT_S)
    assert strength(half, there=3, most=12) == 3
    assert strength(replace(half, ready_s=4000), there=3, most=12) == 4


WORK_S, SENT_S = st.floats(1, 1e6), st.floats(1, 1e6)


@given(work_s=WORK_S, sent_s=SENT_S, most=MOST)
@example(work_s=1.0, sent_s=1.0, most=1)
@example(work_s=181225.0, sent_s=29134.0, most=7)
def test_machines_that_come_as_inputs_arrive_end_soon_after_those_that_were_there(
    work_s: float, sent_s: float, most: int
) -> None:
    todo = Todo(ready_s=0, coming_s=work_s, sent_in_s=sent_s, boot_s=BOOT_S)
    found = manned(todo, most=most)
    whole_s = max(sent_s, BOOT_S + work_s / most)
    assert found.end_s <= whole_s + 2 * BOOT_S + 1
    assert found.end_s >= max(sent_s, BOOT_S + work_s / most) - 1
    assert found.paid_s >= work_s - 1
    assert found.paid_s <= most * found.end_s + 1


def test_a_slow_line_pays_for_the_work_and_little_else() -> None:
    todo = Todo(ready_s=0, coming_s=3.2 * 4 * _HOUR_S, sent_in_s=4 * _HOUR_S, boot_s=BOOT_S)
    found = manned(todo, most=8)
    assert found.end_s == pytest.approx(4 * _HOUR_S, abs=2 * BOOT_S)
    assert found.paid_s < 1.06 * todo.coming_s
