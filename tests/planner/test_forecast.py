"""What is left of a running job: by its pace, and by what was expected."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.spread import Spread
from cryoem_cloud.planner.forecast import left_s

EXPECTED = Spread(6000, 10_000, 20_000)


def test_without_an_expectation_the_pace_counts_and_the_range_narrows() -> None:
    early = left_s(None, pace_s=1000, share=0.04, since_s=0)
    late = left_s(None, pace_s=1000, share=0.9, since_s=0)
    assert early.p50 == pytest.approx(960)
    assert late.p50 == pytest.approx(100)
    assert early.p90 - early.p10 > 5 * (late.p90 - late.p10)


def test_the_first_steps_draw_the_expectation_the_last_ones_replace_it() -> None:
    for share, low, high in ((0.02, 13_000, 19_000), (0.95, 19_500, 20_100)):
        found = left_s(EXPECTED, pace_s=20_000, share=share, since_s=0)
        assert low < found.p50 + share * 20_000 < high
    assert left_s(EXPECTED, pace_s=20_000, share=0.02, since_s=0).p90 >= 19_000


def test_time_that_goes_by_is_taken_off_and_a_late_job_is_never_over() -> None:
    now, soon, late = (
        left_s(None, pace_s=1000, share=0.5, since_s=since_s) for since_s in (0, 100, 10_000)
    )
    assert now.p50 - soon.p50 == pytest.approx(100)
    assert late == Spread.exactly(50)


@given(
    st.none() | st.floats(0, 1).map(lambda up: Spread(1000, 1000, 1000 * (1 + up))),
    st.floats(1, 1e6),
    st.floats(0.001, 1),
    st.floats(0, 1e6),
)
def test_it_is_a_range_for_all_that_may_be_measured(
    expected: Spread | None, pace_s: float, share: float, since_s: float
) -> None:
    found = left_s(expected, pace_s=pace_s, share=share, since_s=since_s)
    assert 0 < found.p10 <= found.p50 <= found.p90
    assert log(found.p90) < 20
