"""Streams grow while it helps, limits are kept, links are measured; time is an argument."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.mover.pace import Limit, Link, Pace

MIB = 1024 * 1024


def played(pace: Pace, goodput: Callable[[int], float], seconds: float) -> list[int]:
    """Let each stream move parts of 16 MiB; `goodput` is of so many streams, in bytes/s."""
    now_s, seen = 0.0, [pace.streams]
    while now_s < seconds:
        now_s += 16 * MIB / goodput(pace.streams)
        pace.moved(16 * MIB, now_s)
        seen.append(pace.streams)
    return seen


def test_streams_grow_as_long_as_each_brings_more() -> None:
    pace = Pace(streams=4, most=16)
    played(pace, lambda streams: streams * 50 * MIB, 300)
    assert pace.streams == 16


def test_streams_stay_where_more_of_them_bring_nothing() -> None:
    pace = Pace(streams=4, most=16)
    seen = played(pace, lambda streams: min(streams, 6) * 20 * MIB, 300)
    assert max(seen) == 7
    assert seen[-1] in {6, 7}
    assert seen.count(7) < len(seen) / 4


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 64 * MIB), st.booleans()), max_size=300))
def test_streams_stay_within_their_bounds(told: list[tuple[float, int, bool]]) -> None:
    pace, now_s = Pace(streams=8, least=2, most=16), 0.0
    for later_s, size, busy in told:
        now_s += later_s
        before = pace.streams
        if busy:
            pace.busy(now_s)
            assert pace.streams in {before, max(2, before // 2)}
        else:
            pace.moved(size, now_s)
            assert abs(pace.streams - before) <= 1
        assert 2 <= pace.streams <= 16


def test_a_busy_store_halves_the_streams_once_however_many_of_them_hear_it() -> None:
    pace = Pace(streams=16, most=16)
    for at in range(16):
        pace.busy(100 + at / 10)
    assert pace.streams == 8
    pace.busy(102.5)
    assert pace.streams == 4


@given(
    rate=st.floats(1000, 1e9),
    sizes=st.lists(st.tuples(st.integers(1, 64 * MIB), st.floats(0, 5)), min_size=1, max_size=50),
)
def test_no_more_flows_than_the_limit_and_one_second_of_it(
    rate: float, sizes: list[tuple[int, float]]
) -> None:
    limit, now_s, gone = Limit(rate), 1000.0, 0
    for size, later_s in sizes:
        now_s += later_s
        now_s += limit.wait_s(size, now_s)
        gone += size
        assert gone <= rate * (now_s - 1000.0 + 1.0) * 1.000001 + 1


def test_a_limit_is_used_fully() -> None:
    limit, now_s = Limit(1e6), 0.0
    for _ in range(100):
        now_s += limit.wait_s(10**6, now_s)
    assert now_s == pytest.approx(99)


def test_a_link_is_measured_while_something_is_under_way() -> None:
    link = Link()
    for start_s in (0.0, 1000.0):
        link.begin(start_s)
        link.begin(start_s + 1)
        link.end(32 * MIB, start_s + 1)
        assert link.bytes_per_s
        link.end(32 * MIB, start_s + 2)
    assert link.bytes_per_s == pytest.approx(32 * MIB)


def test_a_link_is_not_known_by_a_few_bytes_nor_by_what_failed() -> None:
    link = Link()
    link.begin(0)
    link.end(1000, 1)
    link.begin(1)
    link.end(0, 100)
    assert link.bytes_per_s is None


def test_what_a_link_took_long_ago_counts_little() -> None:
    link, now_s = Link(), 0.0
    for seconds in [1.0] * 100 + [100.0] * 10:
        link.begin(now_s)
        now_s += seconds
        link.end(100 * MIB, now_s)
    assert link.bytes_per_s == pytest.approx(MIB, rel=0.2)
