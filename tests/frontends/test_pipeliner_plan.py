"""Which commands of a pipeliner job go to machines, and what machines get."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.bash import commands
from cryoem_cloud.frontends.pipeliner.plan import Command, Plan, record_in
from cryoem_cloud.frontends.pipeliner.script import Planned, Runner, machine_script
from cryoem_cloud.frontends.registry import name_of_caller
from cryoem_cloud.model.errors import FormatError, RefusedError

_RUNNER = "/opt/venv/lib/pipeliner/scripts/job_runner.py"
_JOB = "MotionCorr/job002"
_SCRIPT = f"""\
#!/bin/bash
#CRYOEM mpi=2
module load relion
/opt/venv/bin/python {_RUNNER} {_JOB}/job.star
"""

_VERSION = Command(words=("/usr/bin/relion_run_motioncorr", "--version"), optional=True)
_RELION = Command(words=("/usr/bin/relion_run_motioncorr", "--i", "/data/relion_x/m.star"))
_RANKS = Command(
    words=("/usr/bin/mpirun", "-n", "2", "/usr/bin/relion_run_motioncorr_mpi", "--i", "a")
)
_PYTHON = Command(words=("/opt/venv/bin/python", "/opt/check_star_file.py", "a.star"), python=True)
_REMOVE = Command(words=("/usr/bin/rm", "-f", "x"))
_COPY = Command(words=("/usr/bin/cp", "a", "b"))


def plan(*steps: Command, moves: bool = False) -> Plan:
    return Plan(kind="relion.motioncorr.own", version="1.6.1", moves=moves, commands=steps)


@pytest.mark.parametrize(
    ("steps", "span"),
    [
        ((_RELION,), (0, 1)),
        ((_VERSION, _RELION), (0, 2)),
        ((_VERSION, _RELION, _PYTHON), (0, 2)),
        ((_PYTHON, _RELION), (1, 2)),
        ((_COPY, _VERSION, _RELION, _COPY, _PYTHON), (1, 3)),
        ((_VERSION, _RELION, _REMOVE, _RELION), (0, 4)),
        ((_RANKS, _PYTHON, _PYTHON), (0, 1)),
    ],
)
def test_machines_run_from_the_first_program_of_relions_to_the_last(
    steps: tuple[Command, ...], span: tuple[int, int]
) -> None:
    assert plan(*steps).span == span


@pytest.mark.parametrize(
    "steps", [(_COPY,), (_PYTHON, _COPY), (), (_VERSION,), (_VERSION, _COPY)], ids=str
)
def test_a_job_without_a_program_of_relions_is_to_stay_here(steps: tuple[Command, ...]) -> None:
    with pytest.raises(RefusedError, match="Submit to queue: No"):
        _ = plan(*steps).span


@pytest.mark.parametrize("between", [_PYTHON, _COPY])
def test_what_machines_do_not_have_may_not_stand_between(between: Command) -> None:
    with pytest.raises(RefusedError, match=r"between programs.*Submit to queue: No"):
        _ = plan(_RELION, between, _RELION).span


def test_a_job_that_works_in_another_folder_is_to_stay_here() -> None:
    with pytest.raises(RefusedError, match="change of folder"):
        _ = plan(_RELION, moves=True).span


def test_programs_lose_their_places_and_data_keeps_its() -> None:
    assert _RELION.for_machines == ("relion_run_motioncorr", "--i", "/data/relion_x/m.star")
    assert _RANKS.for_machines == ("mpirun", "-n", "2", "relion_run_motioncorr_mpi", "--i", "a")


def test_a_file_with_relions_name_is_no_program() -> None:
    removes = Command(words=("rm", "relion_it000.star"))
    assert removes.program is None


def test_a_machine_gets_the_users_script_with_relions_programs_in_the_runners_place() -> None:
    script = machine_script(_SCRIPT, plan(_VERSION, _RANKS, _PYTHON))
    lines = script.splitlines()
    assert lines[:3] == _SCRIPT.splitlines()[:3]
    assert lines[3].startswith("# ")
    title = f"CCP-EM Pipeliner job {_JOB}/: Running command"
    version = "relion_run_motioncorr --version"
    ranks = "mpirun -n 2 relion_run_motioncorr_mpi --i a"
    assert lines[4:] == [
        f"echo '{title} 1 of 3: {version}'",
        f"{version} || :",
        f"echo '{title} 2 of 3: {ranks}'",
        f"{ranks} || exit",
    ]


def test_a_script_for_machines_remembers_its_runner_and_its_caller() -> None:
    script = machine_script(_SCRIPT, plan(_PYTHON, _RELION, _PYTHON))
    planned = Planned.in_(script)
    assert planned == Planned(
        runner=Runner(words=("/opt/venv/bin/python",), job_star=f"{_JOB}/job.star"),
        done=2,
    )
    assert planned.runner.folder == _JOB
    assert name_of_caller(script, f"{_JOB}/run_submit.script") == "pipeliner"
    assert Planned.in_(_SCRIPT) is None


_WORD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(words=st.lists(_WORD, min_size=1, max_size=4), job=_WORD.filter(bool))
def test_any_words_reach_machines_as_they_are(words: list[str], job: str) -> None:
    runner = shlex.join(["/my python", _RUNNER, f"{job}/job.star"])
    relion = Command(words=("relion_refine", *words))
    script = machine_script(f"#!/bin/bash\n{runner}\n", plan(relion))
    told = [tuple(word.text for word in line.words) for line in commands(script)]
    assert relion.words in told
    planned = Planned.in_(script)
    assert planned is not None
    assert planned.runner == Runner(words=("/my python",), job_star=f"{job}/job.star")


@pytest.mark.parametrize(
    "script",
    [
        "relion_refine\n",
        f"{_RUNNER} J/job.star\n",
        f"python {_RUNNER}\n",
        f"python {_RUNNER} J/job.star K/job.star\n",
    ],
)
def test_a_script_that_starts_no_runner_as_we_know_it_is_refused(script: str) -> None:
    with pytest.raises(RefusedError, match="job_runner"):
        Runner.of(script)


def test_doppio_starts_its_python_with_more_words() -> None:
    runner = Runner.of(f"/opt/doppio-web run-script {_RUNNER} J/job.star\n")
    assert runner.words == ("/opt/doppio-web", "run-script")


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "plan", "v": 1, "type": "x", "version": "1", "commands": [{"words": []}]},
        {"kind": "plan", "v": 1, "type": "x", "version": "1", "commands": ["rm"]},
        {"kind": "plan", "v": 1, "commands": []},
        {"kind": "tail", "v": 1},
        {"kind": "plan", "v": 99},
    ],
)
def test_what_is_no_plan_is_not_taken_for_one(said: object) -> None:
    with pytest.raises(FormatError):
        Plan.from_record(json.dumps(said).encode())


def test_the_last_line_of_ours_counts_among_the_pipeliners() -> None:
    assert record_in("hello\nCRYOEM {}\nCRYOEM []\nWARNING\n") == b"[]"
    with pytest.raises(FormatError):
        record_in("WARNING\n")
