"""Programs are killed in every phase of a job; the job comes home whole, and once."""

import random
from collections import Counter
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
_HITS = 3
"""How often each phase is to be hit; some last a few ms, and a busy computer misses them."""
_MOST_JOBS = 7


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


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", [each for each in _HOW if each != "agent"])
def test_a_job_survives_a_kill_in_every_phase(world: World, victim: str) -> None:
    hit = kill_in_every_phase(world, victim, files=60, nap=0.08, seed=1)
    assert hit >= {"upload", "launch", "run", "homecoming"}


@pytest.mark.soak
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("victim", _HOW)
def test_long_jobs_survive_kills_in_every_phase(world: World, victim: str) -> None:
    hits: Counter[str] = Counter()
    for seed in range(11, 11 + _MOST_JOBS):
        hits.update(kill_in_every_phase(world, victim, files=220, nap=0.28, seed=seed))
        if all(hits[phase] >= _HITS for phase in _HOW[victim]):
            return
    pytest.fail(f"a phase of a few ms was missed too often: {hits}")
