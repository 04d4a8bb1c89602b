"""What is expected after jobs were measured: laws that hold for any of them."""

from math import exp, log
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.spread import Spread
from cryoem_cloud.planner.posterior import posterior

PRIOR = Spread(80.0, 100.0, 150.0)
PRIORS = st.builds(
    lambda mid, down, up: Spread(mid / exp(down), mid, mid * exp(up)),
    st.floats(1, 1e6),
    st.floats(0, 1.5),
    st.floats(0, 1.5),
)
RATIOS = st.lists(st.floats(0.05, 20), max_size=12)
NEARLY = 1 + 1e-9


def width(found: Spread) -> float:
    return log(found.p90 / found.p10)


@given(PRIORS)
def test_without_jobs_it_stays_as_it_was(prior: Spread) -> None:
    assert posterior(prior, []) == prior


@given(PRIORS, RATIOS, st.randoms())
def test_the_order_of_jobs_does_not_matter(
    prior: Spread, ratios: list[float], chance: object
) -> None:
    other = list(ratios)
    chance.shuffle(other)  # type: ignore[attr-defined]  # hypothesis gives a Random
    one, two = posterior(prior, ratios), posterior(prior, other)
    for name in ("p10", "p50", "p90"):
        assert getattr(one, name) == pytest.approx(getattr(two, name))


@given(PRIORS, RATIOS.filter(len))
def test_one_more_that_agrees_widens_nothing(prior: Spread, ratios: list[float]) -> None:
    before = posterior(prior, ratios)
    after = posterior(prior, [*ratios, median_of(ratios)])
    assert width(after) <= width(before) * NEARLY + 1e-9


@given(PRIORS, st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_jobs_within_the_range_narrow_it_on_both_sides(prior: Spread, places: list[float]) -> None:
    low, high = log(prior.p10 / prior.p50), log(prior.p90 / prior.p50)
    found = posterior(prior, [exp(low + place * (high - low)) for place in places])
    assert found.p50 / found.p10 <= prior.p50 / prior.p10 * NEARLY
    assert found.p90 / found.p50 <= prior.p90 / prior.p50 * NEARLY


@given(PRIORS, RATIOS.filter(len))
def test_the_range_reaches_as_far_as_what_was_measured(prior: Spread, ratios: list[float]) -> None:
    found, middle = posterior(prior, ratios), prior.p50 * median_of(ratios)
    assert found.p10 <= middle * NEARLY
    assert middle <= found.p90 * NEARLY
    low, high = sorted((prior.p50, middle))
    assert low / NEARLY <= found.p50 <= high * NEARLY


def test_one_odd_job_moves_little_and_several_that_agree_much() -> None:
    one, five, many = (posterior(PRIOR, [4.0] * n) for n in (1, 5, 30))
    assert one.p50 < 180
    assert one.p90 >= 400
    assert 230 < five.p50 < many.p50 < 400
    assert width(many) < width(five) < width(one)
    assert posterior(PRIOR, [1.0, 1.1, 0.9, 1.0, 4.0]).p50 == pytest.approx(100, rel=0.01)


def test_five_jobs_that_agree_narrow_a_wide_range_by_more_than_half() -> None:
    wide = Spread(50, 100, 200)
    assert width(posterior(wide, [1.3] * 5)) < width(wide) / 2
    assert posterior(wide, [1.3] * 5).p50 == pytest.approx(130, rel=0.03)


def median_of(ratios: list[float]) -> float:
    return exp(median(map(log, ratios)))
