"""The index: nothing that anybody appends is lost, whoever appends beside them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault, FaultyStore

PROJECT = "p-00000000"


def said(path: str) -> Entry:
    return Entry(path=path, kind=Kind.FOLDER)


def test_who_comes_second_to_a_number_gets_the_next() -> None:
    memory = MemoryStore()
    others: list[int] = []

    def faster(call: str, _: str) -> Fault:
        if call == "put" and not others:
            others.append(IndexLog(memory, PROJECT).append("other", [said("b")]))
        return Fault.NONE

    assert IndexLog(FaultyStore(memory, faster), PROJECT).append("one", [said("a")]) == 2
    assert others == [1]
    assert [r.origin for r in IndexLog(memory, PROJECT).read()] == ["other", "one"]


def test_appends_of_many_writers_are_all_there(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    gate = threading.Barrier(8)

    def write(writer: int) -> list[int]:
        gate.wait()
        index = IndexLog(store, PROJECT)
        return [index.append(f"{writer}/{n}", [said(f"{writer}/{n}")]) for n in range(10)]

    with ThreadPoolExecutor(8) as pool:
        numbers = [number for written in pool.map(write, range(8)) for number in written]
    assert sorted(numbers) == list(range(1, 81))
    records = list(IndexLog(store, PROJECT).read())
    assert [record.number for record in records] == list(range(1, 81))
    assert {record.origin for record in records} == {
        f"{w}/{n}" for w in range(8) for n in range(10)
    }


@given(st.lists(st.sampled_from(Fault), max_size=12), st.data())
def test_a_writer_that_tries_again_is_heard_whatever_happens(
    faults: list[Fault], data: st.DataObject
) -> None:
    memory = MemoryStore()
    plan = list(faults)
    flaky = FaultyStore(memory, lambda *_: plan.pop() if plan else Fault.NONE)
    last: dict[str, int] = {}
    for writing in ("one", "two", "three"):
        while writing not in last:
            try:
                last[writing] = IndexLog(flaky, PROJECT).append(writing, [said(writing)])
            except StoreUnreachableError:
                if flaky.late and data.draw(st.booleans()):
                    flaky.land()
    while flaky.late:
        flaky.land()
    records = {record.number: record for record in IndexLog(memory, PROJECT).read()}
    assert sorted(records) == list(range(1, len(records) + 1))
    for writing, number in last.items():
        assert records[number].origin == writing
        assert records[number].entries == (said(writing),)


def test_a_lost_reply_is_recognised() -> None:
    plan = [Fault.LOST]
    flaky = FaultyStore(
        MemoryStore(), lambda call, _: plan.pop() if plan and call == "put" else Fault.NONE
    )
    index = IndexLog(flaky, PROJECT)
    assert index.append("one", [said("a")]) == 1
    assert [record.origin for record in index.read()] == ["one"]


@pytest.mark.parametrize("known", [0, 1, 2])
def test_what_is_known_is_not_read_again(known: int) -> None:
    index = IndexLog(MemoryStore(), PROJECT)
    for origin in ("one", "two"):
        index.append(origin, [said(origin)], after=min(known, 1) if origin == "two" else 0)
    assert [record.number for record in index.read(after=known)] == list(range(known + 1, 3))
