"""What may follow what in a task's log."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.turn import Deed, Standing, Turn, exit_of, may_follow, standing

HOLDERS = st.sampled_from(("m1", "m2"))


def turn(number: int, deed: Deed, holder: str = "m1") -> Turn:
    return Turn(number=number, deed=deed, holder=holder, nonce=f"{number}")


@given(st.lists(st.tuples(st.sampled_from(Deed), HOLDERS), max_size=12))
def test_a_lawful_log_has_one_end_and_only_holders_close(deeds: list[tuple[Deed, str]]) -> None:
    log: list[Turn] = []
    for deed, holder in deeds:
        following = turn(len(log) + 1, deed, holder)
        if may_follow(log, following):
            log.append(following)
    ends = [each for each in log if each.deed in {Deed.DONE, Deed.FAILED}]
    assert len(ends) <= 1
    assert ends == log[-1:] or not ends
    for before, after in pairwise(log):
        if after.deed is not Deed.CLAIM:
            assert (before.deed, before.holder) == (Deed.CLAIM, after.holder)


@pytest.mark.parametrize("deed", list(Deed))
def test_only_a_claim_begins_a_log(deed: Deed) -> None:
    assert may_follow([], turn(1, deed)) == (deed is Deed.CLAIM)


def test_numbers_leave_no_gap() -> None:
    assert not may_follow([], turn(2, Deed.CLAIM))
    assert not may_follow([turn(1, Deed.CLAIM)], turn(1, Deed.DONE))


@pytest.mark.parametrize(
    ("deed", "wanted"),
    [
        (Deed.CLAIM, Standing.HELD),
        (Deed.RELEASED, Standing.FREE),
        (Deed.DONE, Standing.DONE),
        (Deed.FAILED, Standing.FAILED),
    ],
)
def test_the_last_turn_says_how_a_task_stands(deed: Deed, wanted: Standing) -> None:
    assert standing([turn(1, Deed.CLAIM), turn(2, deed)]) is wanted
    assert standing([]) is Standing.FREE


def test_a_turn_that_does_not_say_how_it_ended_was_a_failure() -> None:
    assert exit_of(turn(2, Deed.DONE)).outcome is Outcome.FAILURE


def test_a_reason_commands_no_terminal() -> None:
    said = "out of \x1b]0;memory\x07: µ\udce4\n\u202e.\x9b2J"
    ended = replace(turn(2, Deed.FAILED), detail={"reason": said})
    assert exit_of(ended).reason == "out of ]0;memory: µ\udce4\n.2J"
