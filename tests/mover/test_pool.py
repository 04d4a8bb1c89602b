"""Memory in flight is bounded, and buffers are used again."""

import threading

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
