"""What run.out says of programs that we have not run."""

import pytest

from cryoem_cloud.apps.relion import Relion

from .conftest import make_job


def remarks_on(script: str) -> tuple[str, ...]:
    return Relion().remarks(make_job(script))


def test_nothing_is_said_of_what_was_run() -> None:
    assert remarks_on("relion_refine --i a.star --o Class2D/job001/run --gpu 0\n") == ()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "relion_align_tiltseries_mpi --i set.star --o Tomo/job001/",
            "relion_align_tiltseries_mpi: what it reads is known from the source of RELION 5.0.1,",
        ),
        (
            "relion_refine --i a.star --o Refine3D/job001/run --blush",
            "relion_refine --blush: what it reads is known from the source of RELION 3.1.3, 4.0.1,",
        ),
        (
            "relion_python_dynamight optimize-deformations --output-directory Dyna/job001/",
            "relion_python_dynamight: what it reads is a guess,",
        ),
        (
            "relion_brand_new --i a.star --o New/job001/",
            "relion_brand_new is not among the programs that we know",
        ),
    ],
)
def test_what_was_not_run_is_said_once(script: str, said: str) -> None:
    (line,) = remarks_on(f"{script}\n{script}\n")
    assert line.startswith(f"cryoem: {said}")
    assert line.endswith("report a missing file with: cryoem report")


def test_a_users_own_program_needs_no_remark() -> None:
    assert remarks_on("./mine --o External/job001/ --pipeline_control External/job001/\n") == ()
