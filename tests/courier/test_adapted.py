"""The script that machines get is made for them by what the project's files say."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.courier.known.desk import CardDesk
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


class Versioned(Shell):
    def version(self, printed: Callable[[Sequence[str]], str]) -> str:
        return printed(("echo", "5.0.1")).strip()


@pytest.mark.parametrize(("here", "told"), [(False, "5.0.1"), (True, "")])
def test_machines_elsewhere_are_told_which_version_the_user_has(
    bench: Bench, told: str, *, here: bool
) -> None:
    bench.application = Versioned()
    provider = Played(bench.done)
    provider.like = Shape(cores=1, memory_gib=1, here=here)
    bench.run(provider=provider)
    (task,) = bench.records.tasks(0)
    assert task.at_home == told
