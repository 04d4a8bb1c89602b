"""RELION's chain, where machines see nothing of the project, gives what a direct run gives."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome
from tests.apps.conftest import JOBS, RelionProject, relion_project
from tests.apps.test_closure_relion import results

from .conftest import SUCCESS, World, end_world, make_world
from .hiding import hiding_prefix, write_decoys

__all__ = ["relion_project"]

pytestmark = pytest.mark.relion

_SLACK_BYTES = 64 * 1024
_HEADER = 1024
_MAPS = {".mrc", ".mrcs", ".ctf"}


@pytest.fixture
def hidden(relion_project: RelionProject, tmp_path: Path) -> Iterator[World]:
    """A user whose machines see nothing of the project, which has all scripts and no results."""
    project = tmp_path / "project"
    prefix = hiding_prefix(tmp_path / "hide", (project, relion_project.path))
    made = make_world(tmp_path / "user", CRYOEM_LOCAL_PREFIX=str(prefix))
    world = World(made.home, project, made.env)
    source = relion_project.path
    for name in ("Movies", "gain.mrc", "references.star"):
        copy = shutil.copytree if (source / name).is_dir() else shutil.copyfile
        (world.project).mkdir(exist_ok=True)
        copy(source / name, world.project / name)
    for ran in relion_project.ran.values():
        (world.project / ran.folder).mkdir(parents=True)
        (world.project / ran.folder / "run_submit.script").write_text(ran.script)
    write_decoys(world.project)
    yield world
    end_world(world)


def same(ours: Path, direct: Path) -> bool:
    """Whether two results are the same: maps to within 1e-6, all others to the byte."""
    import mrcfile  # noqa: PLC0415  (only with the demo group)
    import numpy as np  # noqa: PLC0415

    mine, other = ours.read_bytes(), direct.read_bytes()
    if direct.suffix not in _MAPS:
        return mine == other
    if mine[_HEADER:] == other[_HEADER:]:
        return True
    if "MotionCorr" in direct.parts:
        return False
    with mrcfile.open(ours, permissive=True) as a, mrcfile.open(direct, permissive=True) as b:
        return bool(np.max(np.abs(a.data - b.data)) <= 1e-6)


@pytest.mark.timeout(300)
def test_the_chain_gives_the_same_from_what_the_closure_sent(
    relion_project: RelionProject, hidden: World
) -> None:
    probe = hidden.submit(f"ls -A '{hidden.project}' > Probe/job099/seen\n", name="Probe/job099")
    assert hidden.wait_for_end(probe).outcome is Outcome.SUCCESS
    assert (hidden.project / "Probe/job099/seen").read_text() == ""
    for label in JOBS:
        ran = relion_project.ran[label]
        number = hidden.qsub(f"{ran.folder}/run_submit.script")
        card = hidden.wait_for_end(number)
        assert card.outcome is Outcome.SUCCESS, (label, card)
        ours, direct = hidden.project / ran.folder, relion_project.path / ran.folder
        assert (ours / SUCCESS).exists()
        assert list(results(ours)) == list(results(direct)), label
        different = [path for path in results(direct) if not same(ours / path, direct / path)]
        assert not different, label
        sent = sum(entry.size for task in hidden.records(number).tasks(0) for entry in task.inputs)
        opened = sum((relion_project.path / path).stat().st_size for path in ran.opened)
        assert sent <= 1.05 * opened + _SLACK_BYTES, label
        assert card.bytes_up <= sent
