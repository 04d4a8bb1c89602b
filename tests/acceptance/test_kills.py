"""Programs are killed in every phase of a job; the job comes home whole, and once."""

import random
from contextlib import nullcontext

import pytest

from .conftest import World
from .kills import PHASES, Killer, Long, has_one_outcome

_HOW = {
    "courier": ("upload", "launch", "run", "file", "homecoming", "marker"),
    "agent": PHASES,
    "machine": PHASES,
}
"""`file` is while a file is being brought home."""


def kill_in_every_phase(
    world: World, victim: str, *, files: int, nap: float, seed: int
) -> set[str]:
    """One job, whose victim is killed in one phase after the other; the phases that were hit."""
    job = Long(world, f"Shell/job{seed:03d}", files, nap)
    number = job.submit()
    killer = Killer(world, job, number, random.Random(seed))
    hit = set()
    for phase in _HOW[victim]:
        with world.waking() if victim == "courier" else nullcontext():
            if killer.strike(victim, phase, seconds=2 * files * nap + 60):
                hit.add(phase)
    world.wake()
    world.wait_for_end(number, seconds=2 * files * nap + 120)
    has_one_outcome(world, job, number)
    return hit


@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", _HOW)
def test_a_job_survives_a_kill_in_every_phase(world: World, victim: str) -> None:
    hit = kill_in_every_phase(world, victim, files=60, nap=0.08, seed=1)
    assert hit >= {"upload", "launch", "run", "homecoming"}


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("victim", _HOW)
def test_a_long_job_survives_a_kill_in_every_phase(world: World, victim: str, seed: int) -> None:
    hit = kill_in_every_phase(world, victim, files=220, nap=0.28, seed=seed)
    assert hit == set(_HOW[victim])
