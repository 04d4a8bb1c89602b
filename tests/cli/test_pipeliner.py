"""The queue command as the CCP-EM pipeliner calls it: one word, a script, and 5 s to answer."""

import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import User

_STAND_IN = Path(__file__).parents[1] / "frontends" / "stand_in"
_RUNNER = _STAND_IN / "pipeliner/scripts/job_runner.py"


def handed_in(user: User, kind: str, steps: str, folder: str = "Kind/job001") -> str:
    """A job as the pipeliner leaves it; the path of its script."""
    made = user.folder / folder
    made.mkdir(parents=True)
    (made / "job.star").write_text(f"data_job\n\n_rlnJobTypeLabel  {kind}\n")
    (made / "commands.json").write_text(steps)
    words = (sys.executable, str(_RUNNER), f"{folder}/job.star")
    (made / "run_submit.script").write_text(f"#!/bin/bash\n{shlex.join(words)}\n")
    return f"{folder}/run_submit.script"


def markers(user: User, folder: str = "Kind/job001") -> set[str]:
    return {path.name for path in (user.folder / folder).iterdir() if "_EXIT_" in path.name}


@pytest.mark.parametrize(
    ("kind", "why"),
    [("relion.import", "only copies files"), ("buccaneer.build", "no job of RELION's")],
)
def test_a_job_that_is_not_for_machines_is_refused_at_once(user: User, kind: str, why: str) -> None:
    said = user.type("cryoem-qsub", handed_in(user, kind, "[]"))
    assert (said.code, said.out) == (5, "")
    assert why in said.err
    assert markers(user) == {"RELION_JOB_EXIT_FAILURE", "PIPELINER_JOB_EXIT_FAILED"}
    told = (user.folder / "Kind/job001/run.err").read_text()
    assert told.startswith(f"cryoem: refused: {kind}")
    assert "Submit to queue: No" in told


def test_a_job_that_only_the_pipeliner_knows_to_be_no_job_for_machines_fails(user: User) -> None:
    script = handed_in(user, "relion.new", '[{"cmd": ["cp", "a", "b"]}]')
    assert user.type("cryoem-qsub", script, PYTHONPATH=str(_STAND_IN)).code == 0
    assert user.type("cryoem", "wait", "1").code != 0
    assert markers(user) == {"RELION_JOB_EXIT_FAILURE", "PIPELINER_JOB_EXIT_FAILED"}
    reason = "relion.new runs no program of RELION's (choose Submit to queue: No"
    assert reason in (user.folder / "Kind/job001/run.err").read_text()
    assert reason in user.cryoem("why", "1").out


def test_a_job_goes_out_comes_home_and_can_be_tried_again(user: User) -> None:
    (user.folder / "bin").mkdir()
    program = user.folder / "bin/relion_mask_create"
    made = "mask.mrc RELION_JOB_EXIT_SUCCESS"
    program.write_text(f"#!/bin/sh\necho masked; cd Kind/job001; touch {made}\n")
    program.chmod(0o755)
    (user.folder / "map.mrc").touch()
    steps = (
        '[{"cmd": ["relion_mask_create", "--i", "map.mrc", "--o", "Kind/job001/mask.mrc"]},'
        ' {"cmd": ["python", "-c", "print(1 + 1)"]}]'
    )
    user.env["PATH"] = f"{user.folder}/bin:{user.env['PATH']}"
    user.env["PYTHONPATH"] = str(_STAND_IN)
    script = handed_in(user, "relion.maskcreate", steps)
    for number, command in enumerate((("cryoem-qsub", script), ("cryoem", "retry", "1")), 1):
        assert user.type(*command).code == 0
        assert user.type("cryoem", "wait", str(number)).code == 0, user.courier_log()
        assert markers(user) == {"RELION_JOB_EXIT_SUCCESS", "PIPELINER_JOB_EXIT_SUCCESS"}
        record = (user.folder / "Kind/job001/job_pipeline.star").read_text()
        assert record == "Succeeded Kind/job001/mask.mrc\n"
    said = (user.folder / "Kind/job001/run.out").read_text().splitlines()
    assert said.count("masked") == said.count("2") == 2
