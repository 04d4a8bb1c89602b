"""Machines that break, and machines that leave, with the real provider of this computer.

What goes wrong is put before the agent's command, through the setting `local_prefix`; it runs in
the machine's folder.
"""

import shlex
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.ports.provider import MOST_FAILURES

from .conftest import FAILURES, SUCCESS, World, end_world, make_world


def world_whose_machines(top: Path, first: str) -> World:
    """A world in which each machine does something before it becomes an agent, or instead."""
    return make_world(
        top, CRYOEM_LOCAL_PREFIX=shlex.join(["bash", "-c", f'{first}; exec "$@"', "machine"])
    )


def has_failed_with(world: World, number: int, words: str) -> None:
    card = world.wait_for_end(number, seconds=100)
    assert card.outcome is Outcome.FAILURE
    assert f"{MOST_FAILURES} machines in a row" in card.reason
    said = (world.project / card.name / "run.err").read_text()
    assert words in said
    assert all((world.project / card.name / marker).exists() for marker in FAILURES)
    world.wait_for(lambda: not world.processes("agent", "leash", "command"), seconds=30)
    assert len(world.machines()) == MOST_FAILURES


@pytest.mark.soak
@pytest.mark.timeout(150)
def test_agents_that_break_in_every_turn_fail_the_job(tmp_path: Path) -> None:
    world = world_whose_machines(tmp_path, "touch scratch")  # no folder can be made there
    try:
        has_failed_with(world, world.submit("true\n"), "scratch")
    finally:
        end_world(world)


@pytest.mark.timeout(150)
def test_machines_that_break_once_they_are_up_fail_the_job(tmp_path: Path) -> None:
    world = world_whose_machines(tmp_path, "touch up; echo no luck >&2; exit 1")
    try:
        has_failed_with(world, world.submit("true\n"), "no luck")
    finally:
        end_world(world)


@pytest.mark.soak
@pytest.mark.timeout(180)
def test_a_job_that_all_machines_left_is_manned_again(tmp_path: Path) -> None:
    """After a minute, which nobody can shorten for a real courier."""
    leaves = 'case "$PWD" in *-1/local-*) touch up left; exit 0; esac'
    world = world_whose_machines(tmp_path, leaves)
    try:
        number = world.submit("echo made > Shell/job001/x\n")
        assert world.wait_for_end(number, seconds=120).outcome is Outcome.SUCCESS
        assert (world.project / "Shell/job001/x").read_text() == "made\n"
        assert (world.project / "Shell/job001" / SUCCESS).exists()
        assert world.records(number).launches() == len(world.machines()) == 2
    finally:
        end_world(world)
