"""Which machines a job gets where nobody says otherwise."""

import pytest

from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.planner.static import offers_for


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("mpirun -n 3 relion_refine_mpi --o Refine3D/job001/run --gpu ''", "g6.12xlarge"),
        ("`which relion_refine_mpi` --o Class2D/job001/run --gpu 0:1", "g6.12xlarge"),
        ("relion_refine --o Class2D/job001/run", "c7i.24xlarge"),
        ("relion_run_motioncorr --use_own", "c7i.8xlarge"),
        ("relion_run_motioncorr_mpi --use_motioncor2 --gpu 0", "g6.4xlarge"),
        ("relion_autopick --gpu 0", "g6.4xlarge"),
        ("relion_autopick --i x.star", "c7i.8xlarge"),
        ("python mine.py", "m7i.4xlarge"),
        ("echo 'not closed", "m7i.4xlarge"),
        ("relion_refine --o x # --gpu", "c7i.24xlarge"),
    ],
)
def test_the_first_type_is_the_programs(script: str, kind: str) -> None:
    spot, on_demand = offers_for(script, Wish())
    assert spot.kinds[0] == kind
    assert (spot.market, on_demand.market) == (Market.SPOT, Market.ON_DEMAND)
    assert spot.kinds == on_demand.kinds


def test_what_the_user_wishes_is_offered_alone() -> None:
    wish = Wish(machine="g6e.12xlarge, g6.12xlarge", market="on-demand")
    assert offers_for("relion_refine", wish) == (
        Offer(("g6e.12xlarge", "g6.12xlarge"), Market.ON_DEMAND),
    )
