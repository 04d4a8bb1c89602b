"""RELION's *Abort*: its file reaches the program, which ends in its own way."""

import os
import stat
import time
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome

from .conftest import FAILURES, SUCCESS, World

_NAME = "MotionCorr/job002"
_PROGRAM = f"""\
#!/bin/bash
# Stands in for a program of RELION's that is told to end.
touch {_NAME}/begun
until [ -e {_NAME}/RELION_JOB_ABORT_NOW ]; do sleep 0.02; done
date +%s.%N > {_NAME}/told
rm {_NAME}/RELION_JOB_ABORT_NOW
touch {_NAME}/RELION_JOB_EXIT_ABORTED
exit 1
"""


@pytest.mark.alone
def test_abort_reaches_the_program_within_three_seconds(world: World, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "relion_run_motioncorr"
    program.parent.mkdir()
    program.write_text(_PROGRAM)
    program.chmod(stat.S_IRWXU)
    world.env["PATH"] = f"{program.parent}{os.pathsep}{world.env['PATH']}"
    (world.project / "Movies").mkdir()
    (world.project / "Movies/a.tif").touch()
    (world.project / "movies.star").write_text(
        "data_movies\n\nloop_\n_rlnMicrographMovieName #1\nMovies/a.tif\n\n"
    )
    number = world.submit(
        f"relion_run_motioncorr --i movies.star --o {_NAME}/ --use_own"
        f" --pipeline_control {_NAME}/\n",
        name=_NAME,
    )
    folder = world.project / _NAME
    world.wait_for((folder / "begun").exists, seconds=20)
    asked_s = time.time()
    (folder / "RELION_JOB_ABORT_NOW").touch()
    card = world.wait_for_end(number, seconds=30)
    assert float((folder / "told").read_text()) - asked_s < 3
    assert card.outcome is Outcome.ABORTED
    assert (folder / "RELION_JOB_EXIT_ABORTED").exists()
    assert not any((folder / name).exists() for name in (*FAILURES, SUCCESS))
