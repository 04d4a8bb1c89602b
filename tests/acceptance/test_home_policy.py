"""Essentials only, with the real RELION: bulk stays away, and later jobs read it all the same."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome

from .conftest import end_world, make_world
from .relion_user import FINISHED, RelionUser, make_user, spare

__all__ = ["spare"]

pytestmark = [pytest.mark.relion, pytest.mark.timeout(900)]

_SEARCH = (
    "nr_threads == 1;particle_diameter == 280;offset_range == 2;offset_step == 2;"
    "other_args == --random_seed 1"
)
_LATER = {
    "Extract": "star_mics == {CtfFind}/micrographs_ctf.star;do_reextract == Yes;"
    "fndata_reextract == {Class2D}/run_it003_data.star;extract_size == 64",
    "Refine3D": "fn_img == {Extract}/particles.star;fn_ref == reference.mrc;do_pad1 == Yes;"
    f"sampling == 30 degrees;auto_local_sampling == 30 degrees;nr_mpi == 3;{_SEARCH}",
    "MaskCreate": "fn_in == {Refine3D}/run_class001.mrc;lowpass_filter == 40;"
    "inimask_threshold == 0.005;nr_threads == 1",
    "PostProcess": "fn_in == {Refine3D}/run_half1_class001_unfil.mrc;angpix == 10.5;"
    "fn_mask == {MaskCreate}/mask.mrc;do_auto_bfac == No;do_adhoc_bfac == Yes;adhoc_bfac == -10",
    "LocalRes": "fn_in == {Refine3D}/run_half1_class001_unfil.mrc;angpix == 10.5;"
    "fn_mask == {MaskCreate}/mask.mrc;do_relion_locres == Yes;do_resmap_locres == No;"
    "adhoc_bfac == -10;nr_mpi == 2",
    "Polish": "fn_mic == {MotionCorr}/corrected_micrographs.star;do_own_params == Yes;"
    "fn_data == {Refine3D}/run_data.star;fn_post == {PostProcess}/postprocess.star;"
    "minres == 150;nr_threads == 1",
}
"""RELION's own names of fields, where they differ from what it proposes."""

_TYPES = {
    "Extract": 5,
    "Refine3D": 10,
    "MaskCreate": 12,
    "PostProcess": 15,
    "LocalRes": 16,
    "Polish": 20,
}
"""RELION 3.1.3's numbers of job types (src/pipeline_jobs.h)."""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, spare: Path) -> Iterator[RelionUser]:
    """A user who has chosen to have the essentials only, and has classes."""
    world = make_world(tmp_path_factory.mktemp("essential"), CRYOEM_HOME="essential")
    user = make_user(world, spare)
    user.folders = user.add_chain("Class2D")
    user.run(*user.folders.values())
    assert {user.status(name) for name in user.folders.values()} == {FINISHED}, world.story()
    yield user
    end_world(world)


def images(folder: Path) -> set[str]:
    """The names of the images below a folder."""
    return {path.name for path in folder.rglob("*.mrc*")}


def ran(user: RelionUser, kind: str, **others: str) -> Path:
    """Run a job to its end; its folder. `others` are folders of jobs beside the user's."""
    pipeline = (user.project / "default_pipeline.star").read_text()
    number = int(re.findall(r"_rlnPipeLineJobCounter +(\d+)", pipeline)[0])
    said = _LATER[kind].format(**{**user.folders, **others}) + ";do_queue == Yes"
    rows = [option.partition(" == ") for option in said.split(";")]
    (user.project / "asked.star").write_text(
        f"data_job\n\n_rlnJobType {_TYPES[kind]}\n_rlnJobIsContinue 0\n\n"
        "data_joboptions_values\n\nloop_\n_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n"
        + "".join(f'{name} "{value}"\n' for name, _, value in rows)
        + "\n"
    )
    user.say("relion_pipeliner", "--addJobFromStar", "asked.star")
    name = f"{kind}/job{number:03d}"
    user.run(name)
    folder = user.project / name
    assert user.status(name) == FINISHED, (folder / "run.err").read_text()
    return folder


def test_no_micrograph_and_no_stack_came_home_or_went_back(user: RelionUser) -> None:
    for kind in ("MotionCorr", "CtfFind", "Extract"):
        assert not images(user.project / user.folders[kind]), kind
    micrograph_bytes = 4 * 512 * 512
    for kind in ("CtfFind", "AutoPick", "Extract", "Class2D"):
        assert user.card(user.folders[kind]).bytes_up < micrograph_bytes / 2, kind
    classes = user.project / user.folders["Class2D"]
    assert (classes / "run_it003_data.star").exists()
    assert not list(classes.glob("run_it00[012]_*"))


def test_particles_are_cut_out_of_them_again(user: RelionUser) -> None:
    folder = ran(user, "Extract")
    assert (folder / "particles.star").exists()
    assert not images(folder)


def test_a_run_goes_on_from_an_iteration_that_stayed(user: RelionUser) -> None:
    name = user.folders["Class2D"]
    words = ("--continue", f"{name}/run_it001_optimiser.star", "--o", f"{name}/run_ct1")
    said = user.world.command("cryoem", "run", "--no-wait", "--", "relion_refine", *words)
    card = user.world.wait_for_end(int(said.split()[-1]), seconds=300)
    assert card.outcome is Outcome.SUCCESS, card.reason
    assert (user.project / name / "run_ct1_it003_data.star").exists()


def test_a_sample_comes_to_be_looked_at(user: RelionUser) -> None:
    folder = user.folders["MotionCorr"]
    user.world.command("cryoem", "pull", f"{folder}/Movies/*.mrc", "--sample", "1")
    assert images(user.project / folder) == {"mic_002.mrc"}


@pytest.mark.soak
def test_polish_and_local_resolution_go_on_from_what_stayed(user: RelionUser) -> None:
    refined = ran(user, "Refine3D")
    assert len({path.name[:9] for path in refined.glob("run_it*")}) == 1, "the last one alone"
    jobs = {"Refine3D": str(refined.relative_to(user.project))}
    for kind in ("MaskCreate", "PostProcess"):
        jobs[kind] = str(ran(user, kind, **jobs).relative_to(user.project))
    assert (ran(user, "LocalRes", **jobs) / "relion_locres.mrc").exists()
    polished = ran(user, "Polish", **jobs)
    assert (polished / "shiny.star").exists()
    assert not images(polished)
