"""Ranges: what they refuse, and how they come together."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.spread import Spread, combined, summed

_NUMBERS = st.floats(min_value=1e-6, max_value=1e6)
SPREADS = st.builds(lambda values: Spread(*sorted(values)), st.tuples(_NUMBERS, _NUMBERS, _NUMBERS))


@pytest.mark.parametrize("values", [(0, 1, 2), (2, 1, 3), (1, 3, 2), (1, 2, math.inf)])
def test_what_is_no_range_is_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="no range"):
        Spread(*values)
    with pytest.raises(FormatError, match="no range"):
        Spread.from_json(dict(zip(("p10", "p50", "p90"), values, strict=True)))


def test_factors_combine_in_quadrature_of_their_logarithms() -> None:
    three, four = Spread(math.exp(-3), 1, math.exp(3)), Spread(math.exp(-4), 2, 2 * math.exp(4))
    found = combined(lambda a, b: a * b, three, four)
    assert found.p50 == 2
    assert found.p90 == pytest.approx(2 * math.exp(5))


def test_what_divides_turns_the_range_round() -> None:
    found = combined(lambda speed: 1 / speed, Spread(1, 2, 8))
    assert (found.p10, found.p50, found.p90) == pytest.approx((1 / 8, 1 / 2, 1))


@given(SPREADS, SPREADS)
def test_a_range_is_no_narrower_than_any_of_its_factors(one: Spread, other: Spread) -> None:
    found = combined(lambda a, b: a / b, one, other)
    assert found.p10 <= found.p50 <= found.p90
    for part in (one, other):
        assert found.p90 / found.p10 >= part.p90 / part.p10 * (1 - 1e-9)


@given(st.lists(SPREADS, min_size=1, max_size=5))
def test_a_sum_is_no_wider_than_its_parts_together(parts: list[Spread]) -> None:
    found = summed(*parts)
    assert found.p50 == pytest.approx(sum(part.p50 for part in parts))
    assert sum(part.p10 for part in parts) <= found.p10 * (1 + 1e-9)
    assert found.p90 <= sum(part.p90 for part in parts) * (1 + 1e-9)
