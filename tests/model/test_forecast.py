"""A forecast as it is stored and shown, some time after it was made."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.forecast import Forecast
from cryoem_cloud.model.spread import Spread

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
FOUND = Forecast(at=NOW, left_s=Spread(7200, 9000, 10_800), told="iteration 7 of 25")


def test_it_is_read_as_it_was_written() -> None:
    assert Forecast.from_json(FOUND.to_json()) == FOUND
    for odd in (3, {}, FOUND.to_json() | {"at": "noon"}, FOUND.to_json() | {"left_s": {}}):
        with pytest.raises(FormatError):
            Forecast.from_json(odd)


def test_it_counts_down_and_never_says_that_nothing_is_left() -> None:
    assert FOUND.words(NOW) == "iteration 7 of 25, 2 h 00 min to 3 h 00 min left"
    assert FOUND.words(NOW + timedelta(hours=1)) == (
        "iteration 7 of 25, 1 h 00 min to 2 h 00 min left"
    )
    assert FOUND.words(NOW + timedelta(hours=9)) == "iteration 7 of 25, 1 min left"
    assert FOUND.words(NOW - timedelta(hours=9)) == FOUND.words(NOW)


def test_it_says_what_the_job_will_have_cost() -> None:
    found = FOUND.usd(Decimal("1.50"), Decimal(2), NOW)
    assert (found.p10, found.p50, found.p90) == (Decimal("5.5"), Decimal("6.5"), Decimal("7.5"))
