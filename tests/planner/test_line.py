"""The line that a plan counts with, and what is said of it."""

from datetime import UTC, datetime, timedelta

from cryoem_cloud.model.line import Speed, Speeds
from cryoem_cloud.model.plan import Transfer
from cryoem_cloud.planner.line import line_by
from tests.planner.test_choose import chosen
from tests.planner.works import CLASS2D

NOW = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)
UP, DOWN = Speed(11.75e6, NOW - timedelta(days=2)), Speed(26e6, NOW - timedelta(hours=3))


def test_a_line_that_nobody_has_measured_is_assumed_and_that_is_said() -> None:
    line = line_by(Speeds(), NOW, limit_bytes_s=None)
    assert (line.up_bytes_s, line.down_bytes_s) == (125e6, 125e6)
    assert line.told == "1.0 Gbit/s, not measured yet"


def test_what_was_measured_counts_and_its_age_is_said() -> None:
    line = line_by(Speeds(up=UP, down=DOWN), NOW, limit_bytes_s=None)
    assert (line.up_bytes_s, line.down_bytes_s) == (11.75e6, 26e6)
    assert line.told == "94 Mbit/s up, measured 2 days ago, 208 Mbit/s down, measured 3 h ago"


def test_a_way_that_was_not_measured_is_as_the_other() -> None:
    for speeds in (Speeds(up=UP), Speeds(down=UP)):
        line = line_by(speeds, NOW, limit_bytes_s=None)
        assert (line.up_bytes_s, line.down_bytes_s) == (11.75e6, 11.75e6)
    assert line_by(Speeds(up=UP), NOW, limit_bytes_s=None).told == (
        "94 Mbit/s up, measured 2 days ago"
    )


def test_nothing_goes_faster_than_the_limit_of_the_settings() -> None:
    fast = Speeds(up=UP, down=DOWN)
    slow = line_by(fast, NOW, limit_bytes_s=5e6)
    assert (slow.up_bytes_s, slow.down_bytes_s) == (5e6, 5e6)
    assert slow.told == "40 Mbit/s, as limit_rate says"
    some = line_by(fast, NOW, limit_bytes_s=20e6)
    assert (some.up_bytes_s, some.down_bytes_s) == (11.75e6, 20e6)
    assert line_by(Speeds(), NOW, limit_bytes_s=200e6).told == "1.6 Gbit/s, as limit_rate says"


def test_what_comes_home_comes_as_fast_as_that_way_goes() -> None:
    def hours(down_bytes_s: float) -> float:
        moved = Transfer(down_bytes=10**12, line_bytes_s=1e9, down_bytes_s=down_bytes_s)
        return chosen(CLASS2D, transfer=moved, machines=1, kinds=("p3.8xlarge",)).total_h.p50

    assert round((hours(1e8) - hours(0.0)) * 3600) == 9000
