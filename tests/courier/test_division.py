"""Whether machines share a job, and what is said where they do not."""

from dataclasses import replace

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.piecework.division import Divided, Division
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.task import GOES_ON
from cryoem_cloud.ports.application import Application, Shape
from tests.apps.shelf import Shelf
from tests.courier.conftest import Bench
from tests.piecework import LIST, Piecework


def divided(
    bench: Bench,
    wish: Wish,
    application: Application,
    *,
    after: tuple[int, ...] = (),
    items: int = 4,
    slow: bool = False,
) -> Divided | str:
    division = Division(
        job=replace(bench.slip.job, wish=wish, after=after, script="relion_refine --o C/job001/"),
        application=application,
        records=bench.records,
        shape=Shape(cores=1, memory_gib=1.0),
        machines=wish.count or 1,
    )
    return division.divided(Shelf({LIST: b"x\n" * items}), slow=slow)


@pytest.mark.parametrize("wish", [Wish(count=2), Wish(pieces=4), Wish(count=3, pieces=2)])
def test_a_job_that_can_be_cut_is_shared(bench: Bench, wish: Wish) -> None:
    found = divided(bench, wish, Piecework())
    assert isinstance(found, Divided)
    assert sum(found.sizes) == 4
    assert len(found.sizes) > 1


@pytest.mark.parametrize("wish", [Wish(count=2), Wish(pieces=4)])
def test_why_a_job_is_not_shared_is_said(bench: Bench, wish: Wish) -> None:
    assert divided(bench, wish, Shell()) == "its command works on all of its input together"
    assert divided(bench, wish, Relion()) == "relion_refine works on all of its input together"
    assert divided(bench, wish, Piecework(), after=(7,)) == GOES_ON
    few = "the lines that it has to do are too few to be shared"
    assert divided(bench, wish, Piecework(), items=1) == few


@pytest.mark.parametrize("wish", [Wish(), Wish(count=1), Wish(count=3, pieces=1)])
def test_nothing_is_said_where_nobody_wanted_several(bench: Bench, wish: Wish) -> None:
    assert divided(bench, wish, Shell()) == ""
    assert divided(bench, wish, Shell(), slow=True) == ""
    assert divided(bench, wish, Piecework(), after=(7,)) == ""
