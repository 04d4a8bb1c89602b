"""Memory in flight is bounded, and buffers are used again."""

import threading
from mmap import mmap

from hypothesis import given, settings
from hypothesis import strategies as st

from cryoem_cloud.mover.pool import Pool

MIB = 1024 * 1024


def test_a_buffer_is_used_again() -> None:
    pool = Pool(4 * MIB)
    with pool.holding(MIB) as held:
        held.views[0][0] = 7
    with pool.holding(MIB) as held:
        assert held.views[0][0] == 7
    assert pool.bytes == (0, MIB)


@settings(max_examples=50, deadline=None)
@given(
    wanted=st.lists(
        st.tuples(st.lists(st.sampled_from([1, 4, 16]), max_size=2), st.integers(0, 40)),
        min_size=1,
        max_size=30,
    )
)
def test_what_is_held_and_what_lies_idle_stay_below_the_bound(
    wanted: list[tuple[list[int], int]],
) -> None:
    pool, most, failed = Pool(48), 48, []
    turn = iter(wanted)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                item = next(turn, None)
            if item is None:
                return
            sizes, besides = item
            with pool.holding(*sizes, besides=besides) as held:
                now, idle = pool.bytes
                alone = sum(sizes) + besides
                if now + idle > max(most, alone) or [len(view) for view in held.views] != sizes:
                    failed.append(item)
                held.keep_only(besides // 2)
                if held.views:
                    failed.append(item)
                held.more(1)
                now, idle = pool.bytes
                if now + idle > max(most, alone) + 4:  # one of each thread's own
                    failed.append(item)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert pool.bytes[0] == 0
    assert pool.bytes[1] <= most


def test_who_asks_for_more_than_there_is_waits_until_the_others_are_done() -> None:
    pool, order = Pool(10), []
    inside = threading.Event()

    def large() -> None:
        inside.wait()
        with pool.holding(30):
            order.append("large")

    thread = threading.Thread(target=large)
    thread.start()
    with pool.holding(8):
        inside.set()
        thread.join(0.1)
        order.append("small")
    thread.join()
    assert order == ["small", "large"]


def test_more_comes_out_of_what_was_asked_for_and_beyond_that_is_counted() -> None:
    pool = Pool(4 * MIB)
    with pool.holding(MIB, besides=2 * MIB) as held:
        assert [len(held.more(MIB)) for _ in range(2)] == [MIB, MIB]
        assert pool.bytes == (3 * MIB, 0)
        held.more(MIB)
        assert pool.bytes == (4 * MIB, 0)
        held.keep_only(0)
        assert pool.bytes == (3 * MIB, MIB)
        held.drop_more()
        assert pool.bytes == (0, 4 * MIB)


def test_what_is_let_go_of_is_the_systems_and_not_the_heaps() -> None:
    pool = Pool(MIB)
    with pool.holding(MIB, besides=MIB) as held:
        assert {type(held.views[0].obj), type(held.more(MIB).obj)} == {mmap}
