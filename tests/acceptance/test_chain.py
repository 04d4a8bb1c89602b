"""A chain of RELION's programs that goes on while nobody's computer is on, and comes home whole."""

import shutil
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.turn import Deed
from tests.apps.conftest import write_movies

from .conftest import SUCCESS, World

_IMPORT = """\
n=0; while [ ! -e "{go}" ] && [ $((n += 1)) -lt 900 ]; do sleep 0.1; done
relion_import --do_movies --optics_group_name og1 --angpix 3.5 --kV 300 --Cs 2.7 --Q0 0.1 \\
    --i "Movies/mic_[12].tif" --odir Import/job001/ --ofile movies.star
"""
_CORRECT = """\
relion_run_motioncorr --i Import/job001/movies.star --o MotionCorr/job002/ --use_own --j 1 \\
    --dose_per_frame 1 --patch_x 1 --patch_y 1 --bin_factor 1
"""
_SELECT = """\
relion_star_handler --i MotionCorr/job002/corrected_micrographs.star \\
    --o Select/job003/micrographs.star --select_by_str rlnMicrographName --select_include mic_2
"""
_PICK = """\
relion_autopick --i Select/job003/micrographs.star --odir AutoPick/job004/ --pickname autopick \\
    --LoG --LoG_diam_min 110 --LoG_diam_max 150 --shrink 0 --lowpass 20 --LoG_adjust_threshold 0
"""
_PICKS = Path("AutoPick/job004/Movies/mic_2_autopick.star")


def hand_in(world: World, name: str, script: str, *words: str) -> int:
    """Submit a script where RELION would put it; the job's number."""
    path = world.project / name / "run_submit.script"
    path.parent.mkdir(parents=True)
    path.write_text(script)
    said = world.command("cryoem-qsub", *words, str(path.relative_to(world.project)))
    return int(said.split()[-1])


def told(world: World, number: int) -> None:
    """Wait until the machines of the jobs before know of a job."""
    world.wait_for(lambda: "goes on with it" in world.card(number).note, seconds=60)


@pytest.mark.relion
@pytest.mark.timeout(300)
def test_a_chain_goes_on_with_the_courier_killed_and_a_new_one_brings_all_home(
    world: World, tmp_path: Path
) -> None:
    if shutil.which("relion_autopick") is None:
        pytest.skip("needs relion: apt-get install relion")
    pytest.importorskip("mrcfile", reason="needs the demo group")
    write_movies(world.project)
    go = tmp_path / "go"
    first = hand_in(world, "Import/job001", _IMPORT.format(go=go))
    second = hand_in(world, "MotionCorr/job002", _CORRECT, "--after", str(first))
    third = hand_in(world, "Select/job003", _SELECT, "--after", str(second))
    last = hand_in(world, "AutoPick/job004", _PICK, "--after", str(third))
    numbers = (first, second, third, last)
    for number in numbers[1:]:
        told(world, number)
    world.wait_for(lambda: world.processes("leash"), seconds=60)
    world.wait_for(lambda: len(world.processes("courier")) == 1, seconds=30)
    assert world.kill("courier") == 1
    go.touch()
    world.wait_for(lambda: world.records(last).end() is not None, seconds=120)
    world.wait_for(lambda: not world.processes("agent"), seconds=30)
    assert not world.processes("courier")
    assert not (world.project / "MotionCorr/job002/corrected_micrographs.star").exists()
    world.wake()
    for number in numbers:
        assert world.wait_for_end(number).outcome is Outcome.SUCCESS, world.story()
        assert (world.project / world.card(number).outputs[0] / SUCCESS).exists()
    assert (world.project / "MotionCorr/job002/Movies/mic_1.mrc").exists()
    selected = (world.project / "Select/job003/micrographs.star").read_text()
    assert "mic_2.mrc" in selected
    assert "mic_1.mrc" not in selected
    assert "_rlnCoordinateX" in (world.project / _PICKS).read_text()
    assert [world.records(n).launches() for n in numbers] == [1, 0, 0, 0]
    (task,) = world.records(last).tasks(0)
    assert {e.path for e in task.inputs} == {
        "AutoPick/job004/run_submit.script",
        "Select/job003/micrographs.star",
        "MotionCorr/job002/Movies/mic_2.mrc",
    }


@pytest.mark.timeout(300)
def test_a_later_job_whose_machine_is_killed_is_manned_by_the_next_courier(
    world: World, tmp_path: Path
) -> None:
    go, up = tmp_path / "go", tmp_path / "up"
    wait = f'n=0; while [ ! -e "{go}" ] && [ $((n += 1)) -lt 900 ]; do sleep 0.1; done'
    first = hand_in(world, "A/job001", f"#CRYOEM out=A/job001\n{wait}\necho one > A/job001/x\n")
    script = (
        "#CRYOEM in=A/job001\n#CRYOEM out=B/job002\n"
        f'if [ ! -e "{up}" ]; then touch "{up}"; sleep 900; fi\ncat A/job001/x > B/job002/x\n'
    )
    second = hand_in(world, "B/job002", script, "--after", str(first))
    told(world, second)
    world.wait_for(lambda: world.processes("leash"), seconds=60)
    world.wait_for(lambda: len(world.processes("courier")) == 1, seconds=30)
    assert world.kill("courier") == 1
    go.touch()
    world.wait_for(up.exists, seconds=60)
    assert world.kill("agent") == 1
    world.wait_for(lambda: not world.processes("leash"), seconds=30)
    world.wake()
    assert world.wait_for_end(second, seconds=120).outcome is Outcome.SUCCESS
    assert (world.project / "B/job002/x").read_text() == "one\n"
    turns = world.records(second).turns("main").read()
    assert [turn.deed for turn in turns] == [Deed.CLAIM, Deed.CLAIM, Deed.DONE]
    assert world.records(second).launches() == 1
    assert world.wait_for_end(first).outcome is Outcome.SUCCESS
