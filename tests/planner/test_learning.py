"""Finished jobs correct what is expected of their program on their machine type."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.measured import HERE, Measured
from cryoem_cloud.model.record import encode
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.learning import LEAST_S, computer, jobs_behind, kinds_of, said_of, taught
from cryoem_cloud.planner.performance import published, run_s
from tests.planner.works import CLASS2D, CORES, L4, LISTINGS, MOTION, REFINE, V100

KINDS = kinds_of(Catalogue(day="2026-07-05", listings=LISTINGS))
EXPECTED_S = run_s(CLASS2D, L4, published()).p50


def measured(job: int = 1, ratio: float = 1.5, **more: object) -> Measured:
    found = Measured(
        job=job, kind=L4.name, where="aws", work=CLASS2D, ran_s=int(EXPECTED_S * ratio)
    )
    return replace(found, **more)  # type: ignore[arg-type]  # by name


def test_jobs_correct_their_program_on_their_machine_type_and_no_other() -> None:
    rates = taught([measured(n) for n in range(5)], KINDS)
    assert run_s(CLASS2D, L4, rates).p50 == pytest.approx(1.5 * EXPECTED_S, rel=0.1)
    for work, kind in ((CLASS2D, V100), (REFINE, L4), (MOTION, CORES)):
        assert run_s(work, kind, rates) == run_s(work, kind, published())
    more = replace(CLASS2D, items=2 * CLASS2D.items)
    assert run_s(more, L4, rates).p50 == pytest.approx(2 * run_s(CLASS2D, L4, rates).p50)


def test_it_is_told_how_many_jobs_have_taught_it() -> None:
    rates = taught([measured(1), measured(2), measured(3, kind=V100.name)], KINDS)
    assert jobs_behind(CLASS2D, L4, rates) == 2
    assert jobs_behind(REFINE, L4, rates) == 0
    assert said_of(2, L4.name) == "from 2 jobs of this project on g6.12xlarge"
    assert said_of(1, L4.name) == "from 1 job of this project on g6.12xlarge"
    assert not said_of(0, L4.name)


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.2, 5)), max_size=8), st.data())
def test_a_job_that_is_told_twice_counts_once_and_order_does_not_matter(
    told: list[tuple[int, float]], data: st.DataObject
) -> None:
    first = {job: measured(job, ratio) for job, ratio in told}
    again = data.draw(st.permutations([*first.values(), *first.values()]))
    one, two = taught(first.values(), KINDS), taught(again, KINDS)
    assert run_s(CLASS2D, L4, one) == run_s(CLASS2D, L4, two)
    assert jobs_behind(CLASS2D, L4, two) == len(first)


@pytest.mark.parametrize(
    "odd",
    [
        measured(ran_s=LEAST_S - 1),
        measured(kind="g9.mega"),
        measured(work=replace(CLASS2D, box_px=0)),
        measured(kind=CORES.name),
        measured(work=replace(CLASS2D, items=1)),
        measured(work=replace(CLASS2D, items=2**60)),
    ],
    ids=["short", "unknown type", "unknown work", "no GPU", "too long", "too short"],
)
def test_what_tells_nothing_teaches_nothing(odd: Measured) -> None:
    assert not taught([odd], KINDS).learnt


def test_a_users_own_computer_is_a_machine_type_of_its_own() -> None:
    here = Measured(job=1, kind="workstation", where=HERE, cores=16, work=MOTION, ran_s=3_000_000)
    rates = taught([here], KINDS)
    assert jobs_behind(MOTION, computer(here), rates) == 1
    alone = run_s(MOTION, computer(here), published())
    assert run_s(MOTION, computer(here), rates).p50 > alone.p50


@given(st.sampled_from([CLASS2D, MOTION, REFINE]), st.integers(1, 10**6), st.integers(0, 96))
def test_a_record_is_read_as_it_was_written(work: object, ran_s: int, cores: int) -> None:
    written = measured(work=work, ran_s=ran_s, cores=cores)
    assert Measured.from_bytes(written.to_bytes()) == written


@pytest.mark.parametrize(
    "odd",
    [
        {"work": {"program": "dreaming"}},
        {"work": {}},
        {"work": {"program": "picking", "items": "many"}},
        {"work": {"program": "picking"}, "ran_s": 0},
        {"work": {"program": "2D classification", "items": 10**400}},
        {"work": {"program": "2D classification", "box_px": 10**200}},
        {"work": {"program": "2D classification", "iterations": 1e308}},
        {"work": {"program": "2D classification", "threads": -1}},
        {"work": {"program": "2D classification"}, "job": -1},
    ],
)
def test_what_is_no_record_is_refused(odd: dict[str, object]) -> None:
    fields = {"job": 1, "type": "g6.xlarge", "where": "aws", "ran_s": 100}
    with pytest.raises(FormatError):
        Measured.from_bytes(encode("measured", {**fields, **odd}))
