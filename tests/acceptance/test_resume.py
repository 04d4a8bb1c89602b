"""Refinements whose machine is lost, whose program is killed, and that a user goes on with."""

import os
import shutil
import signal
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="needs the demo group")

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.turn import Deed, Turn

from .conftest import SUCCESS, World, end_world, make_world
from .refining import make_particles

pytestmark = [
    pytest.mark.relion,
    pytest.mark.skipif(shutil.which("relion_refine") is None, reason="no RELION"),
    pytest.mark.timeout(240),
]

OUT = "Class2D/job001"
LAST = 25
SCRIPT = (
    "`which relion_refine` --i particles.star --particle_diameter 300 --random_seed 1 --pool 10"
    f" --j 1 --offset_range 2 --offset_step 2 --oversampling 1 --pad 1 --norm --scale --iter {LAST}"
    " --K 2 --tau2_fudge 2 --psi_step 15 --flatten_solvent --zero_mask --center_classes"
    f" --o {OUT}/run --pipeline_control {OUT}/\n"
)


@pytest.fixture(scope="module")
def particles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("particles")
    make_particles(folder, 300)
    return folder


def begun(top: Path, particles: Path) -> tuple[World, int]:
    """A world in which the classification has come to its second iteration."""
    world = make_world(top)
    shutil.copytree(particles, world.project, dirs_exist_ok=True)
    (world.project / OUT).mkdir(parents=True)
    (world.project / OUT / "run_submit.script").write_text(f"#!/bin/bash\n{SCRIPT}")
    number = world.qsub(f"{OUT}/run_submit.script")
    sealed = world.project / OUT / "run_it002_sampling.star"
    world.wait_for(sealed.exists, seconds=100)
    return world, number


def all_there(world: World) -> None:
    """Every iteration is home, under the names that RELION knows."""
    folder = world.project / OUT
    for number in range(1, LAST + 1):
        for what in ("data.star", "model.star", "optimiser.star", "sampling.star", "classes.mrcs"):
            assert (folder / f"run_it{number:03d}_{what}").exists(), (number, what)
    assert (folder / SUCCESS).exists()
    assert not list(folder.glob("run_ct*"))


def claims(world: World, number: int) -> list[Turn]:
    turns = world.records(number).turns("main").read()
    return [turn for turn in turns if turn.deed is Deed.CLAIM]


def test_another_machine_goes_on_under_the_same_names(tmp_path: Path, particles: Path) -> None:
    world, number = begun(tmp_path, particles)
    try:
        assert world.kill("agent") == 1
        card = world.wait_for_end(number, seconds=150)
        assert card.outcome is Outcome.SUCCESS, card.reason
        all_there(world)
        assert len(claims(world, number)) == 2
        log = (world.project / OUT / "run.out").read_text()
        assert " Expectation iteration 1 of" not in log  # of the machine that went on
    finally:
        end_world(world)


@pytest.mark.soak
def test_a_program_that_is_killed_goes_on_at_once(tmp_path: Path, particles: Path) -> None:
    world, number = begun(tmp_path, particles)
    try:
        programs = [p for p in world.processes("command") if "relion_refine" in p.words[0]]
        for program in programs:
            os.kill(program.pid, signal.SIGKILL)
        assert programs
        card = world.wait_for_end(number, seconds=150)
        assert card.outcome is Outcome.SUCCESS, card.reason
        all_there(world)
        first, second = claims(world, number)
        assert first.holder == second.holder
    finally:
        end_world(world)


@pytest.mark.soak
def test_a_user_goes_on_with_a_job_that_was_stopped(tmp_path: Path, particles: Path) -> None:
    world, number = begun(tmp_path, particles)
    try:
        world.stop(number)
        assert world.wait_for_end(number, seconds=60).outcome is Outcome.ABORTED
        said = world.command("cryoem", "resume", str(number))
        later = int(said.rpartition(" ")[2])
        card = world.wait_for_end(later, seconds=150)
        assert card.outcome is Outcome.SUCCESS, card.reason
        all_there(world)
        assert "--continue" in world.records(later).job().script
    finally:
        end_world(world)
