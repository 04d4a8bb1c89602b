"""Every job type of RELION, run directly and through us by machines that see no project.

Debian's RELION 3.1.3, and RELION 5.0.1 where RELION_BIN names the folder of its programs.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.job import Outcome
from tests.apps.conftest import make_job

from .conftest import SUCCESS, World, end_world, make_world
from .hiding import hiding_prefix, write_decoys
from .relion_compare import COMPARED, differences
from .relion_direct import INPUTS, Direct, make_direct, programs
from .relion_steps import STEPS

pytestmark = [pytest.mark.relion, pytest.mark.soak]

_SLACK_BYTES = 64 * 1024
_LONGEST_S = 400

_SENT_ALTHOUGH_NOT_OPENED = frozenset({"Polish train", "External"})
"""Training takes micrographs at random; what a user's own program opens nobody knows."""

_BY_CHANCE = frozenset({"Align symmetry"})
"""It tries directions at random, and its random numbers begin with the clock."""

_BY_LAYOUT = frozenset({("5.0.1", "Class2D"), ("5.0.1", "Class2D helix")})
"""The last maps depend on where things lie in memory, and so on the length of the environment:
run directly, too (docs/evidence/relion-suite.md). Later jobs read those that the direct run made.
"""

ESSENTIAL = (
    "Import movies",
    "Import map",
    "MotionCorr",
    "CtfFind",
    "AutoPick LoG",
    "Extract",
    "Refine3D",
    "MaskCreate",
    "PostProcess",
    "LocalRes",
    "Polish",
    "Extract again",
)
"""Jobs that follow on each other's files, most of which stay in the store."""


@dataclass(frozen=True)
class Suite:
    """What ran directly, and users who have the same inputs and scripts, and no results.

    To one of them only what is essential comes home.
    """

    direct: Direct
    world: World
    essential: World


@pytest.fixture(scope="session")
def suites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Suite]]:
    """The suite of a version, which takes minutes to make: once, and not again where that fails."""
    made: dict[str, Suite] = {}
    failed: set[str] = set()

    def suite_of(version: str) -> Suite:
        programs(version)
        if version in failed:
            pytest.fail(f"the jobs of {version} could not be run directly: see the first failure")
        if version not in made:
            failed.add(version)
            made[version] = _suite(tmp_path_factory.mktemp(f"relion-{version}"), version)
            failed.remove(version)
        return made[version]

    yield suite_of
    for suite in made.values():
        end_world(suite.world)
        end_world(suite.essential)


def _suite(top: Path, version: str) -> Suite:
    (top / "direct").mkdir()
    direct = make_direct(top / "direct", version)
    projects = {name: top / name / "project" for name in ("all", "essential")}
    prefix = hiding_prefix(top / "hide", (*projects.values(), direct.path))
    for step in STEPS[version]:
        direct.run(step)
    worlds = {}
    for home, project in projects.items():
        env = {"CRYOEM_LOCAL_PREFIX": str(prefix), "CRYOEM_HOME": home, "PATH": direct.env["PATH"]}
        worlds[home] = make_world(top / home, **env)
        write_inputs(direct, project)
        write_decoys(project)
    return Suite(direct, worlds["all"], worlds["essential"])


@pytest.fixture
def suite(version: str, suites: Callable[[str], Suite]) -> Suite:
    return suites(version)


def write_inputs(direct: Direct, project: Path) -> None:
    """Write what the user brought, and the scripts that RELION made."""
    for name in INPUTS:
        copy = shutil.copytree if (direct.path / name).is_dir() else shutil.copy
        copy(direct.path / name, project / name)
    for ran in direct.ran.values():
        (project / ran.folder).mkdir(parents=True)
        (project / ran.folder / "run_submit.script").write_text(ran.script)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("version", STEPS)
def test_machines_see_nothing_of_the_project(suite: Suite) -> None:
    world = suite.world
    script = f"ls -A '{world.project}' '{suite.direct.path}' > Probe/job999/seen\n"
    probe = world.submit(script, name="Probe/job999")
    assert world.wait_for_end(probe).outcome is Outcome.SUCCESS
    seen = (world.project / "Probe/job999/seen").read_text().split()
    assert set(seen) == {f"{world.project}:", f"{suite.direct.path}:"}


@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    ("version", "label"),
    [(version, step.label) for version, steps in STEPS.items() for step in steps],
)
def test_a_job_gives_through_us_what_it_gives_directly(
    suite: Suite, version: str, label: str, record_property: Callable[[str, object], None]
) -> None:
    ran, world = suite.direct.ran[label], suite.world
    begun = time.monotonic()
    number = world.qsub(f"{ran.folder}/run_submit.script")
    card = world.wait_for_end(number, seconds=_LONGEST_S)
    wall_s = time.monotonic() - begun
    assert card.outcome is Outcome.SUCCESS, card
    ours, direct = world.project / ran.folder, suite.direct.path / ran.folder
    assert (ours / SUCCESS).exists()
    assert any(path.suffix in COMPARED for path in direct.rglob("*"))
    by_chance = label in _BY_CHANCE or (version, label) in _BY_LAYOUT
    assert differences(ours, direct, by_chance=by_chance) == []
    if (version, label) in _BY_LAYOUT:
        for name in differences(ours, direct):
            shutil.copy2(direct / name, ours / name)
    needed = sum(entry.size for task in world.records(number).tasks(0) for entry in task.inputs)
    opened = sum((suite.direct.path / path).stat().st_size for path in ran.opened)
    assert needed <= 1.05 * opened + _SLACK_BYTES or label in _SENT_ALTHOUGH_NOT_OPENED
    for name, value in {
        "needed": needed,
        "opened": opened,
        "sent": card.bytes_up,
        "directly_s": round(ran.wall_s, 1),
        "through_us_s": round(wall_s, 1),
    }.items():
        record_property(name, value)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    ("version", "label"),
    [(version, step.label) for version, steps in STEPS.items() for step in steps],
)
def test_what_a_job_needs_is_what_its_programs_open(
    suite: Suite, label: str, tmp_path: Path
) -> None:
    ran, project = suite.direct.ran[label], suite.direct.path
    own = project / ran.folder

    def made(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(folder) == own and name != "run_submit.script"}

    shutil.copytree(project, tmp_path / "p", ignore=made, copy_function=os.link, symlinks=True)
    job = make_job(ran.script, script_path=f"{ran.folder}/run_submit.script")
    needed = {need.path for need in Relion().needs(job, Here(tmp_path / "p")) if not need.stub}
    assert needed >= ran.opened
    assert needed == ran.opened or label in _SENT_ALTHOUGH_NOT_OPENED


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("version", STEPS)
def test_jobs_go_on_from_what_stayed_in_the_store(suite: Suite) -> None:
    world = suite.essential
    for label in ESSENTIAL:
        ran = suite.direct.ran[label]
        number = world.qsub(f"{ran.folder}/run_submit.script")
        card = world.wait_for_end(number, seconds=_LONGEST_S)
        assert card.outcome is Outcome.SUCCESS, (label, card)
        found = differences(world.project / ran.folder, suite.direct.path / ran.folder)
        assert [line for line in found if not line.startswith("only directly: ")] == [], label
    stayed = {"MotionCorr": "*.mrc", "Extract": "*.mrcs", "Polish": "*_shiny.mrcs"}
    for label, images in stayed.items():
        folder = suite.direct.ran[label].folder
        assert list((suite.direct.path / folder).rglob(images))
        assert not list((world.project / folder).rglob(images))
    came = {"Polish": "shiny.star", "Extract again": "particles.star", "LocalRes": "*_locres.mrc"}
    for label, result in came.items():
        assert list((world.project / suite.direct.ran[label].folder).glob(result)), label
