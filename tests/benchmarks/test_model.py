"""The check of the performance model runs, and the model is as good as its page says."""

from dataclasses import replace

import pytest

from benchmarks.model.check import errors_of, fitted, left_out, timings
from cryoem_cloud.planner.memory import lacking
from cryoem_cloud.planner.performance import published, run_s

RATES = published()
KNOWN = timings()


def test_of_a_job_that_it_does_not_know_half_are_told_within_a_third() -> None:
    found = errors_of(left_out(KNOWN, RATES, lambda one, other: one.job == other.job))
    assert found.number == len(KNOWN) > 80
    assert found.median < 0.33
    assert found.nine_of_ten < 2.5
    assert 0.8 < found.bias < 1.25


def test_four_of_five_are_within_the_packages_ranges() -> None:
    ranges = [(one.seconds, run_s(one.work, one.machine, RATES)) for one in KNOWN]
    assert sum(found.p10 <= took_s <= found.p90 for took_s, found in ranges) >= 0.8 * len(KNOWN)


def test_what_takes_twice_as_long_has_units_of_twice_as_much() -> None:
    slower = [replace(one, seconds=2 * one.seconds) for one in KNOWN]
    before, after = fitted(KNOWN, RATES), fitted(slower, RATES)
    for program in {one.work.program for one in KNOWN}:
        pairs = zip(before.programs[program], after.programs[program], strict=True)
        assert any(new.seconds.p50 == pytest.approx(2 * old.seconds.p50) for old, new in pairs)
    assert after.gpus["K80"].p50 == pytest.approx(before.gpus["K80"].p50)


def test_a_model_that_is_twice_too_slow_is_told() -> None:
    told = [(one, 2 * run_s(one.work, one.machine, RATES).p50) for one in KNOWN]
    found = errors_of(told)
    assert found.bias > 1.6
    assert found.median > 0.33


def test_nothing_that_was_measured_is_said_not_to_fit() -> None:
    assert [one.job for one in KNOWN if lacking(one.work, one.machine)] == []
