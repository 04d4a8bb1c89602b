"""Refinements that are killed at any moment, and gone on with elsewhere: RELION's own programs.

RELION_BIN names the folder of RELION 5's programs.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="needs the demo group")

from .refinements import (
    CLASS_2D,
    CLASS_2D_5,
    CLASS_3D,
    INITIAL_MODEL_3,
    INITIAL_MODEL_5,
    REFINE_3D,
    RELION_5,
    Refinement,
    correlations,
    is_there_a_while,
    optimiser,
    run_alone,
    same_names,
    sampling,
)
from .refining import environment, files, go_on, killed

pytestmark = [
    pytest.mark.skipif(
        shutil.which("relion_refine") is None, reason="no RELION: apt-get install relion"
    ),
    pytest.mark.timeout(1800),
]

_GONE_ON = re.compile(r"--continue \S+_it(\d+)_optimiser\.star ")


def kill_in_iteration(project: Path, refinement: Refinement, number: int, programs: str) -> None:
    """Kill it while it does the iteration after that one."""
    last = sampling(project, refinement.job, number)
    killed(project, refinement.script, environment(programs), lambda: is_there_a_while(last))


def kill_while_writing(project: Path, refinement: Refinement, number: int, programs: str) -> None:
    """Kill it while it writes that iteration, having begun and not yet come to the last file.

    It waits there: the last file is a pipe that nobody reads.
    """
    first = optimiser(project, refinement.job, number)
    last = sampling(project, refinement.job, number)
    first.parent.mkdir(parents=True)
    os.mkfifo(last)
    killed(project, refinement.script, environment(programs), lambda: is_there_a_while(first))
    last.unlink()


def check(refinement: Refinement, top: Path, programs: str, moments: str) -> None:
    """Killed at these moments, it comes to the same end as left alone."""
    job = refinement.job
    alone = top / "alone"
    run_alone(refinement, alone, programs)
    for moment in moments.split():
        lost, elsewhere = top / f"lost {moment}", top / f"elsewhere {moment}"
        elsewhere.mkdir()
        shutil.copytree(alone, lost, ignore=lambda _, names: {job.partition("/")[0]} & {*names})
        if moment == "half":
            kill_while_writing(lost, refinement, refinement.late, programs)
        else:
            kill_in_iteration(lost, refinement, getattr(refinement, moment), programs)
        resumed = go_on(lost, elsewhere, refinement.script, environment(programs))
        told = _GONE_ON.search(resumed.script)
        assert told is not None
        whole = {"early": refinement.early, "half": refinement.early, "late": refinement.late}
        assert int(told[1]) >= whole[moment]
        assert moment != "half" or int(told[1]) < refinement.late
        same_names(alone, refinement, files(elsewhere, job) | resumed.stands)
        correlations(alone, elsewhere, refinement)


def test_class_averages_killed_while_an_iteration_is_written(tmp_path: Path) -> None:
    check(CLASS_2D, tmp_path, "", "half")


@pytest.mark.soak
@pytest.mark.parametrize("refinement", [CLASS_2D, CLASS_3D, REFINE_3D, INITIAL_MODEL_3])
def test_refinements_of_relion_3(refinement: Refinement, tmp_path: Path) -> None:
    check(refinement, tmp_path, "", "early half late")


@pytest.mark.soak
@pytest.mark.skipif(not RELION_5, reason="RELION_BIN does not name the folder of RELION 5")
@pytest.mark.parametrize("refinement", [CLASS_2D, CLASS_3D, REFINE_3D, INITIAL_MODEL_5, CLASS_2D_5])
def test_refinements_of_relion_5(refinement: Refinement, tmp_path: Path) -> None:
    check(refinement, tmp_path, RELION_5, "early half late")
