"""Jobs of RELION in pieces, the whole way: what comes home is what one machine would have made."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.turn import Deed
from cryoem_cloud.stores.results import results
from demo.simulate import simulate

from .conftest import SUCCESS, World, end_world, make_world
from .relion_compare import differences

pytestmark = pytest.mark.relion

MOVIES = 7
IMPORT = (
    "mkdir -p Import/job001 && relion_import --do_movies --optics_group_name optics1 "
    "--angpix 3.5 --kV 300 --Cs 2.7 --Q0 0.1 --beamtilt_x 0 --beamtilt_y 0 --i 'Movies/*.tif' "
    "--odir Import/job001/ --ofile movies.star --pipeline_control Import/job001/"
)
MOTION = (
    "`which relion_run_motioncorr` --i Import/job001/movies.star --o {out}/ --first_frame_sum 1 "
    "--last_frame_sum -1 --use_own --j 1 --bin_factor 1 --bfactor 150 --dose_per_frame 1.5 "
    "--preexposure 0 --patch_x 1 --patch_y 1 --gainref gain.mrc --gain_rot 0 --gain_flip 0 "
    "--dose_weighting --pipeline_control {out}/\n"
)
OURS, DIRECT = "MotionCorr/job002", "MotionCorr/job003"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with imported movies, and what one machine makes of them."""
    folder = tmp_path_factory.mktemp("imported") / "project"
    simulate(folder, movies=MOVIES, size=512, seed=5)
    for command in (IMPORT, f"mkdir -p {DIRECT}; {MOTION.format(out=DIRECT)}"):
        subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True)
    return folder


def corrected(world: World, imported: Path, *wishes: str) -> int:
    """Hand in the motion correction of the movies with these wishes."""
    shutil.copytree(imported, world.project, dirs_exist_ok=True)
    (world.project / OURS).mkdir(parents=True)
    said = "".join(f"#CRYOEM {wish}\n" for wish in wishes)
    script = world.project / OURS / "run_submit.script"
    script.write_text(f"#!/bin/bash\n{said}{MOTION.format(out=OURS)}")
    return world.qsub(f"{OURS}/run_submit.script")


def same(world: World, imported: Path) -> None:
    """What is home is what one machine made, but for the folder's name in lists."""
    copy = world.home / "compared"
    shutil.copytree(world.project / OURS, copy)
    for log in ("run.out", "run.err"):
        (copy / log).unlink()
    for star in copy.rglob("*.star"):
        star.write_text(star.read_text().replace(OURS, DIRECT))
    assert not differences(copy, imported / DIRECT)


@pytest.mark.parametrize("pieces", [3, pytest.param(7, marks=pytest.mark.soak)])
def test_movies_are_corrected_in_pieces(world: World, imported: Path, pieces: int) -> None:
    number = corrected(world, imported, f"pieces={pieces}", "count=2")
    card = world.wait_for_end(number, seconds=100)
    assert card.outcome is Outcome.SUCCESS, card.reason
    assert (world.project / OURS / SUCCESS).exists()
    same(world, imported)
    tasks = list(world.records(number).all_tasks())
    assert [task.joins for task in tasks] == [False] * pieces + [True]
    log = (world.project / OURS / "run.out").read_text()
    assert log.count("== piece ") == pieces
    world.wait_for(lambda: not world.processes("agent", "leash", "command"), seconds=30)
    assert not world.left_behind()


def _done(folder: Path) -> list[Path]:
    """The micrographs in a folder that are all there: the program writes a plot last, for each."""
    plots = [
        plot for plot in folder.glob("*_shifts.eps") if plot.read_bytes().endswith(b"stroke\n")
    ]
    return [plot.with_name(plot.name.replace("_shifts.eps", ".mrc")) for plot in plots]


def _stop_in_a_piece(world: World) -> Path:
    """Have programs stand still once one micrograph is done; the folder where it is home."""
    below, folder = f"scratch/*/project/{OURS}/Movies", world.project / OURS / "Movies"
    world.wait_for(
        lambda: any(_done(made) for at in world.machines() for made in at.glob(below)), seconds=60
    )
    for program in world.processes("command"):
        program.kill(signal.SIGSTOP)
    world.wait_for(lambda: _done(folder), seconds=60)
    return folder


@pytest.mark.timeout(200)
def test_a_piece_whose_machine_is_killed_goes_on_elsewhere(tmp_path: Path, imported: Path) -> None:
    world = make_world(tmp_path)
    try:
        number = corrected(world, imported, "pieces=2", "count=1")
        _stop_in_a_piece(world)
        assert world.kill("agent") == 1
        card = world.wait_for_end(number, seconds=150)
        assert card.outcome is Outcome.SUCCESS, card.reason
        same(world, imported)
        records = world.records(number)
        turns = records.turns("000001").read()
        claims = [turn for turn in turns if turn.deed is Deed.CLAIM]
        assert len(claims) + len(records.turns("000002").read()) >= 2
    finally:
        end_world(world)


def test_a_job_in_pieces_that_was_stopped_is_gone_on_with_in_pieces(
    world: World, imported: Path
) -> None:
    number = corrected(world, imported, "pieces=3", "count=2")
    folder = _stop_in_a_piece(world)
    world.command("cryoem", "stop", str(number))
    assert world.wait_for_end(number, seconds=60).outcome is Outcome.ABORTED
    done = _done(folder)[0]
    os.truncate(done, done.stat().st_size // 2)
    later = int(world.command("cryoem", "resume", str(number)).rpartition(" ")[2])
    card = world.wait_for_end(later, seconds=100)
    assert card.outcome is Outcome.SUCCESS, card.reason
    same(world, imported)
    records = world.records(later)
    assert [task.joins for task in records.all_tasks()] == [False] * 3 + [True]
    made = {entry.path: entry for entry in results(records, records.turns("main").read()[-1])}
    content = made[str(done.relative_to(world.project))].content
    assert content is not None
    assert content.key.startswith(f"jobs/{number:08d}/")
