"""Refinements whose machine is lost, whose program is killed, and that a user goes on with.

RELION_BIN names the folder of RELION 5's programs.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="needs the demo group")

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.turn import Deed

from .conftest import World
from .refinements import (
    CLASS_2D,
    CLASS_2D_5,
    CLASS_3D,
    INITIAL_MODEL_3,
    INITIAL_MODEL_5,
    REFINE_3D,
    RELION_5,
    Refinement,
    run_alone,
)
from .underway import Underway, hand_in

pytestmark = [
    pytest.mark.relion,
    pytest.mark.skipif(shutil.which("relion_refine") is None, reason="no RELION"),
    pytest.mark.timeout(900),
]


@dataclass(frozen=True)
class Loss:
    """A refinement of a version of RELION, whose machine is lost at a moment."""

    version: str
    refinement: Refinement
    moment: str

    def __str__(self) -> str:
        return f"{self.version}-{self.refinement.job.replace('/', '-')}-{self.moment}"

    @property
    def programs(self) -> str:
        """The folder of RELION's programs; "" if they are on PATH."""
        if self.version == "3.1.3":
            return ""
        if not RELION_5:
            pytest.skip("no RELION 5: RELION_BIN does not name the folder of its programs")
        return RELION_5


_LOSSES = [
    Loss("3.1.3", refinement, moment)
    for refinement in (CLASS_2D, CLASS_3D, INITIAL_MODEL_3, REFINE_3D)
    for moment in ("early", "half", "late")
] + [
    Loss("5.0.1", refinement, "half")
    for refinement in (CLASS_2D, CLASS_2D_5, CLASS_3D, INITIAL_MODEL_5, REFINE_3D)
]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Refinement, str], Path]:
    """A project in which a refinement ran by hand, and nothing interrupted it."""

    @cache
    def run(refinement: Refinement, programs: str) -> Path:
        project = tmp_path_factory.mktemp("alone") / "project"
        run_alone(refinement, project, programs)
        return project

    return run


def test_another_machine_goes_on_under_the_same_names(
    world: World, alone: Callable[[Refinement, str], Path]
) -> None:
    undisturbed = alone(CLASS_2D, "")
    job = hand_in(world, CLASS_2D, undisturbed, "")
    newest = job.come_to("early")
    assert world.kill("agent") == 1
    job.ends_well(undisturbed, newest=newest)
    first, second, done = job.turns()
    assert first.holder != second.holder == done.holder


@pytest.mark.soak
@pytest.mark.parametrize("loss", _LOSSES, ids=str)
def test_a_lost_machine_costs_no_sealed_iteration(
    world: World,
    alone: Callable[[Refinement, str], Path],
    loss: Loss,
    request: pytest.FixtureRequest,
) -> None:
    programs = loss.programs
    undisturbed = alone(loss.refinement, programs)
    job = hand_in(world, loss.refinement, undisturbed, programs)
    newest = job.come_to(loss.moment)
    job.lose_machine()
    found = job.ends_well(undisturbed, newest=newest)
    first, second, done = job.turns()
    assert first.holder != second.holder == done.holder
    seen = {"went on from": newest, **{name: round(value, 3) for name, value in found.items()}}
    request.node.user_properties += seen.items()


@pytest.mark.soak
@pytest.mark.parametrize("refinement", [CLASS_2D, REFINE_3D], ids=lambda r: r.job)
def test_a_process_that_is_killed_ends_a_turn_and_not_the_job(
    world: World, alone: Callable[[Refinement, str], Path], refinement: Refinement
) -> None:
    undisturbed = alone(refinement, "")
    job = hand_in(world, refinement, undisturbed, "")
    newest = job.come_to("early")
    programs = job.programs()
    assert len(programs) == (3 if refinement is REFINE_3D else 1)
    programs[-1].kill()
    job.let_go()
    job.ends_well(undisturbed, newest=newest)
    deeds = [turn.deed for turn in job.turns()]
    assert deeds == [Deed.CLAIM, Deed.RELEASED, Deed.CLAIM, Deed.DONE]


@pytest.mark.soak
@pytest.mark.parametrize("refinement", [CLASS_3D, REFINE_3D], ids=lambda r: r.job)
def test_a_user_goes_on_with_a_job_that_was_stopped(
    world: World, alone: Callable[[Refinement, str], Path], refinement: Refinement
) -> None:
    undisturbed = alone(refinement, "")
    job = hand_in(world, refinement, undisturbed, "")
    newest = job.come_to("early")
    stopped(job)
    again(job, "resume").ends_well(undisturbed, newest=newest)


@pytest.mark.soak
def test_a_user_goes_on_with_a_job_and_not_with_what_an_older_run_left(
    world: World, alone: Callable[[Refinement, str], Path]
) -> None:
    undisturbed = alone(CLASS_2D, "")
    first = hand_in(world, CLASS_2D, undisturbed, "")
    older = first.come_to("late")
    stopped(first)
    second = again(first, "retry")
    newest = second.come_to("early")
    assert newest < older
    stopped(second)
    again(second, "resume").ends_well(undisturbed, newest=newest)


def stopped(job: Underway) -> None:
    """Stop a job, as its user does."""
    job.world.command("cryoem", "stop", str(job.number))
    assert job.world.wait_for_end(job.number, seconds=60).outcome is Outcome.ABORTED


def again(job: Underway, command: str) -> Underway:
    """The job run again by that command."""
    said = job.world.command("cryoem", command, str(job.number))
    return Underway(job.world, job.refinement, int(said.rpartition(" ")[2]))
