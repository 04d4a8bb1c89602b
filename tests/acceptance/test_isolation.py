"""RELION's chain, where machines see nothing of the project, gives what a direct run gives."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome
from tests.apps.conftest import JOBS, RelionProject, relion_project
from tests.apps.test_closure_relion import results

from .conftest import SUCCESS, World, end_world, make_world

__all__ = ["relion_project"]

pytestmark = pytest.mark.relion

_HIDE = """\
#!/bin/bash
# Starts an agent in a mount namespace of its own, where the project's folder is empty.
exec unshare --mount bash -c 'mount -t tmpfs none "$0" && exec "$@"' {project} "$@"
"""
_DECOYS = ("Movies/decoy.mrc", "decoy.mrcs", "MotionCorr/decoy.mrc", "Extract/job001/decoy.mrcs")
_DECOY_BYTES = 3 * 2**30
_SLACK_BYTES = 64 * 1024
_HEADER = 1024
_MAPS = {".mrc", ".mrcs", ".ctf"}


@pytest.fixture
def hidden(relion_project: RelionProject, tmp_path: Path) -> Iterator[World]:
    """A user whose machines see nothing of the project, which has all scripts and no results."""
    if os.getuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("only root hides folders from its processes")
    hide = tmp_path / "hide"
    made = make_world(tmp_path / "user", CRYOEM_LOCAL_PREFIX=str(hide))
    world = World(made.home, tmp_path / "project", made.env)
    hide.write_text(_HIDE.format(project=world.project))
    hide.chmod(stat.S_IRWXU)
    source = relion_project.path
    for name in ("Movies", "gain.mrc", "references.star"):
        copy = shutil.copytree if (source / name).is_dir() else shutil.copyfile
        (world.project).mkdir(exist_ok=True)
        copy(source / name, world.project / name)
    for ran in relion_project.ran.values():
        (world.project / ran.folder).mkdir(parents=True)
        (world.project / ran.folder / "run_submit.script").write_text(ran.script)
    for name in _DECOYS:
        (world.project / name).parent.mkdir(parents=True, exist_ok=True)
        with (world.project / name).open("wb") as decoy:
            decoy.truncate(_DECOY_BYTES)
    yield world
    end_world(world)


def qsub(world: World, script: str) -> int:
    """Hand in a script as RELION does."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "cryoem_cloud.cli", "cryoem-qsub", script],
        cwd=world.project,
        env=world.env,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout.rpartition(" ")[2])


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
        number = qsub(hidden, f"{ran.folder}/run_submit.script")
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
