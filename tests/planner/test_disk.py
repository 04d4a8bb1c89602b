"""The disk of a job's machines follows its largest task."""

import pytest

from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.task import MAIN, Task
from cryoem_cloud.planner.disk import disk_gib

GIB = 2**30


def task(*sizes: int, name: str = MAIN) -> Task:
    contents = (Content(key="k", start=0, stored=size, size=size, digest="d") for size in sizes)
    return Task(name=name, script="", inputs=tuple(Entry(path="p", content=c) for c in contents))


@pytest.mark.parametrize(
    ("tasks", "gib"),
    [
        ((), 70),
        ((task(1), task()), 70),
        ((task(20 * GIB, 5 * GIB),), 75),
        ((task(25 * GIB + 1),), 76),
        ((task(40 * GIB, name="000001"), task(30 * GIB, name="000002"), task()), 120),
    ],
)
def test_it_is_three_times_what_the_largest_reads(tasks: tuple[Task, ...], gib: int) -> None:
    assert disk_gib(tasks) == gib
