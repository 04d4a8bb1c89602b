"""The script that machines get is made for them by what the project's files say."""

from dataclasses import replace

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.courier.desk import CardDesk
from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.ports.application import Shape

from .conftest import FOLDER, Bench, Played

_OPTICS = "data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnImageSize #2\n1 800\n\n"
_NONE = "data_particles\n\nloop_\n_rlnImageName #1\n\n"


def test_ranks_are_chosen_by_the_box_of_the_projects_particles(bench: Bench) -> None:
    (bench.project / "p.star").write_text(_OPTICS + _NONE)
    (bench.project / "r.mrc").touch()
    refine = f"relion_refine --i p.star --ref r.mrc --split_random_halves --o {FOLDER}/run\n"
    job = replace(bench.slip.job, script=refine, application="relion")
    provider = Played(bench.done)
    provider.like = Shape(cores=96, memory_gib=384)
    means = replace(bench.means("courier-1", provider), application=lambda _: Relion())
    desk = CardDesk(bench.card(), bench.cards, means.clock)
    Errand(replace(bench.slip, job=job), means, desk).run()
    (task,) = bench.records.tasks(0)
    assert "mpirun --bind-to none -n 3 relion_refine_mpi" in task.script
