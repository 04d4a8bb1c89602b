"""A job that RELION submits again into its folder, while the earlier one is not home yet."""

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase

from .conftest import FAILURES, SUCCESS, World

_FOLDER = "Shell/job001"


def test_the_earlier_job_ends_and_leaves_no_marker(world: World) -> None:
    folder = world.project / _FOLDER
    first = world.submit(
        f"touch {_FOLDER}/first; for n in $(seq 100); do sleep 0.1; done; echo late\n"
    )
    world.wait_for((folder / "first").exists, seconds=20)
    second = world.submit(f"echo again; until [ -e {_FOLDER}/go ]; do sleep 0.1; done\n")
    card = world.wait_for_end(first, seconds=30)
    assert card.outcome is Outcome.ABORTED
    assert f"submitted again as job {second}" in card.reason
    world.wait_for(lambda: world.card(second).phase is Phase.RUNNING, seconds=30)
    assert not any((folder / name).exists() for name in (SUCCESS, *FAILURES))
    world.stop(second)
    assert world.wait_for_end(second).outcome is Outcome.ABORTED
    said = (folder / "run.out").read_text()
    assert "again" in said
    assert "late" not in said


def test_a_job_waits_for_one_that_it_names_by_its_alias(world: World) -> None:
    first = world.submit(
        f"touch {_FOLDER}/begun; until [ -e {_FOLDER}/RELION_JOB_ABORT_NOW ]; do sleep 0.1; done\n"
        f"printf 'data_\\n\\nloop_\\n_rlnMicrographName #1\\n\\n' > {_FOLDER}/list.star\n"
    )
    folder = world.project / _FOLDER
    (world.project / "Shell/fast").symlink_to("../Shell/job001/")
    world.wait_for((folder / "begun").exists, seconds=20)
    name = "Shell/job002"
    second = world.submit(
        f"relion_image_handler --i Shell/fast/list.star --o {name}/out.star"
        f" --pipeline_control {name}/\n",
        name=name,
    )
    world.wait_for(
        lambda: world.card(second).phase is Phase.WAITING or not world.card(second).open,
        seconds=20,
    )
    assert f"job {first}" in world.card(second).note
    (folder / "RELION_JOB_ABORT_NOW").touch()
    world.wait_for_end(first)
    world.wait_for_end(second)
    assert "list.star" not in world.card(second).reason
