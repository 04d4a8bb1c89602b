"""How far a running job of RELION's is, by names of files alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.apps.guarded import guarded
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.ports.application import Application, Asked
from cryoem_cloud.testing.application_contract import job_of

_NOWHERE = Path("/nowhere")
CLASS2D = Work(program=Program.CLASS2D, items=10_000, box_px=64, classes=10, iterations=25)
MOTION = Work(program=Program.MOTION, items=24)


def job(script: str) -> Job:
    made = job_of(Relion(), Asked(project=_NOWHERE, script=script + "\n"))
    return replace(made, script=script + "\n")


def sealed(last: int, root: str = "Class2D/job008/run") -> set[str]:
    return {f"{root}_it{number:03d}_sampling.star" for number in range(last + 1)}


def test_iterations_are_counted() -> None:
    found = Relion().advance(
        job("relion_refine --i p.star --o Class2D/job008/run --K 10 --iter 25"), CLASS2D, sealed(5)
    )
    assert found is not None
    assert found.share == pytest.approx(0.2)
    assert found.told == "iteration 5 of 25"


def test_iterations_of_few_particles_are_a_small_share() -> None:
    script = "relion_refine --i p.star --o Class2D/job008/run --K 10 --iter 200 --grad"
    found = Relion().advance(job(script), CLASS2D, sealed(100))
    assert found is not None
    assert found.told == "iteration 100 of 200"
    assert found.share < 0.45


def test_a_run_that_goes_on_counts_from_where_it_began() -> None:
    script = (
        "relion_refine --continue Class2D/job008/run_it020_optimiser.star "
        "--o Class2D/job008/run --iter 30"
    )
    found = Relion().advance(job(script), replace(CLASS2D, iterations=10), sealed(25) - sealed(20))
    assert found is not None
    assert (found.share, found.told) == (0.5, "iteration 25 of 30")


def test_nobody_knows_how_long_an_auto_refinement_goes_on() -> None:
    script = "relion_refine --i p.star --o Refine3D/job009/run --auto_refine --ref r.mrc"
    work = replace(CLASS2D, program=Program.REFINE3D)
    assert Relion().advance(job(script), work, sealed(5, "Refine3D/job009/run")) is None


def test_movies_are_counted_by_what_each_writes_last() -> None:
    script = "relion_run_motioncorr --i Import/job001/movies.star --o MotionCorr/job002/ --use_own"
    application, of = Relion(), job(script)
    names = [
        f"MotionCorr/job002/Movies/m{n}{end}"
        for n in range(6)
        for end in (".mrc", ".star", "_shifts.eps")
    ]
    last = {name for name in names if application.seals(of, name)}
    found = application.advance(of, MOTION, last)
    assert found is not None
    assert (found.share, found.told) == (0.25, "6 of 24 movies")
    assert application.advance(of, replace(MOTION, items=0), last) is None
    assert application.advance(of, MOTION, ()) is None


def test_applications_that_cannot_tell_say_nothing() -> None:
    class Older:
        name = "older"

    of = job("relion_refine --i p.star --o Class2D/job008/run --K 10 --iter 25")
    older: Application = guarded(Older(), remedy="")  # type: ignore[arg-type]  # made before that
    assert older.advance(of, CLASS2D, sealed(5)) is None
    with pytest.raises(AttributeError, match="older has no work"):
        older.work(of, None)  # type: ignore[arg-type]  # it has no such method
    Shell().advance(of, CLASS2D, sealed(5))
