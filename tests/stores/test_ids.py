"""Job numbers: never twice, whoever draws."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import FormatError, StoreUnreachableError
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.ids import BLOCK, JobNumbers, reserve_block, reserve_up_to
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault, FaultyStore

DRAW = """
import sys
from pathlib import Path
from cryoem_cloud.stores.ids import JobNumbers
numbers = JobNumbers(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(250):
    print(numbers.draw() or sys.exit("none left"))
"""


def test_processes_of_one_user_never_draw_the_same_number(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    numbers = JobNumbers(file)
    for block in range(10):
        numbers.add(block * BLOCK + 1)
    drawers = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW, file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for drawer in drawers:
        assert drawer.stdout
        assert drawer.stdout.readline() == "ready\n"
    for drawer in drawers:  # all at once, so that they meet
        assert drawer.stdin
        drawer.stdin.write("\n")
        drawer.stdin.flush()
    drawn = [int(line) for drawer in drawers for line in drawer.communicate(timeout=60)[0].split()]
    assert sorted(drawn) == list(range(1, 10 * BLOCK + 1))
    assert numbers.left() == 0
    assert numbers.draw() is None


def test_users_never_get_the_same_block(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda user: reserve_block(store, f"u{user}"), range(24)))
    assert sorted(blocks) == [number * BLOCK + 1 for number in range(24)]


def test_who_comes_second_to_a_block_gets_the_next() -> None:
    memory = MemoryStore()
    others: list[int] = []

    def faster(call: str, _: str) -> Fault:
        if call == "put" and not others:
            others.append(reserve_block(memory, "u2"))
        return Fault.NONE

    assert reserve_block(FaultyStore(memory, faster), "u1") == BLOCK + 1
    assert others == [1]


def test_a_lost_reply_wastes_a_block_and_gives_none_twice() -> None:
    plan = [Fault.NONE, Fault.LOST]
    memory = MemoryStore()
    flaky = FaultyStore(
        memory, lambda call, _: plan.pop() if plan and call == "put" else Fault.NONE
    )
    with pytest.raises(StoreUnreachableError):
        reserve_block(flaky, "u1")
    assert reserve_block(flaky, "u1") == BLOCK + 1
    assert reserve_block(memory, "u2") == 2 * BLOCK + 1


def test_what_is_no_block_is_passed_over() -> None:
    memory = MemoryStore()
    memory.put("ids/notanumber", b"")
    assert reserve_block(memory, "u1") == 1


@pytest.mark.parametrize("noise", [b"[[1, 2", b"\xff\xfe\0"])
def test_a_damaged_file_is_told(tmp_path: Path, noise: bytes) -> None:
    file = tmp_path / "numbers.json"
    file.write_bytes(noise)
    with pytest.raises(FormatError) as caught:
        JobNumbers(file).draw()
    assert "remove it" in caught.value.hint


@pytest.mark.parametrize(("number", "next_one"), [(1, 101), (100, 101), (101, 201), (1234, 1301)])
def test_numbers_that_came_from_another_store_are_given_to_nobody(
    number: int, next_one: int
) -> None:
    store = MemoryStore()
    reserve_up_to(store, number, "me")
    reserve_up_to(store, number, "me")
    assert reserve_block(store, "you") == next_one


def test_numbers_below_those_that_came_are_given_up(tmp_path: Path) -> None:
    numbers = JobNumbers(tmp_path / "numbers.json")
    for first in (1, 101, 301):
        numbers.add(first)
    numbers.rise_above(150)
    assert (numbers.draw(), numbers.left()) == (151, 149)
    numbers.rise_above(1000)
    assert numbers.draw() is None
