"""Jobs of the pipeliner on the submitter's computer, before and after machines.

A stand-in for the package is run by a real Python; tests/acceptance has the package itself.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import pytest

from cryoem_cloud.frontends.pipeliner import PipelinerFrontend
from cryoem_cloud.frontends.pipeliner.script import Planned
from cryoem_cloud.model.errors import MissingInputError, RefusedError
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.ports.frontend import AtHome

_STAND_IN = Path(__file__).parent / "stand_in"
_RUNNER = _STAND_IN / "pipeliner/scripts/job_runner.py"
_TAIL = files("cryoem_cloud.frontends.pipeliner") / "theirs" / "cryoem_tail.py"
_NAME = "MotionCorr/job002"
_SUCCESS, _FAILURE = Exit(outcome=Outcome.SUCCESS), Exit(outcome=Outcome.FAILURE, code=3)
_ABORTED = Exit(outcome=Outcome.ABORTED, code=1)

Step: TypeAlias = Mapping[str, object]

_RELION: Step = {"cmd": ["relion_run_motioncorr", "--i", "a.star"]}
_VERSION: Step = {"cmd": ["relion_run_motioncorr", "--version"], "optional": True}


def python(code: str, *, optional: bool = False) -> Step:
    """A step of the pipeliner's own."""
    return {"cmd": ["python", "-c", code], "optional": optional}


def says(text: str) -> Step:
    return python(f"print({text!r})")


@dataclass
class Bench:
    """A job in a project, as its pipeliner has left it at submission."""

    project: Path
    steps: tuple[Step, ...] = (_RELION,)
    wanted: Callable[[], bool] = lambda: True
    kind: str = "relion.motioncorr.own"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        for name in ("run.out", "run.err", "note.txt"):
            (self.folder / name).write_text("before\n")
        self.write()

    @property
    def folder(self) -> Path:
        return self.project / _NAME

    def write(self) -> None:
        (self.folder / "job.star").write_text(f"data_job\n\n_rlnJobTypeLabel  {self.kind}\n")
        (self.folder / "commands.json").write_text(json.dumps(self.steps))

    def runs(self, *steps: Step) -> "Bench":
        self.steps = steps
        self.write()
        return self

    @property
    def home(self) -> AtHome:
        env = {"PYTHONPATH": str(_STAND_IN), "PATH": os.environ["PATH"]}
        return AtHome(project=self.project, environment=env, umask=0o027, wanted=self.wanted)

    @property
    def script(self) -> str:
        return f"{shlex.join([sys.executable, str(_RUNNER), f'{_NAME}/job.star'])}\n"

    @property
    def job(self) -> Job:
        return Job(
            number=1,
            project="p-00000000",
            name=_NAME,
            application="relion",
            frontend="pipeliner",
            script=self.script,
            script_path=f"{_NAME}/run_submit.script",
            outputs=(_NAME,),
            logs={"out": f"{_NAME}/run.out", "err": f"{_NAME}/run.err"},
            log_starts={"out": 7, "err": 7},
            submitter="me",
            submitted_at="2026-01-01T00:00:00Z",
        )

    @property
    def planned(self) -> Job:
        made = PipelinerFrontend().prepare(self.job, self.home)
        assert made is not None
        return made

    def concluded(self, exit_: Exit) -> Exit | None:
        return PipelinerFrontend().conclude(self.planned, self.home, exit_)

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "project")


def check(bench: Bench, script: str = "") -> None:
    asked = Asked(
        project=bench.project,
        script=script or bench.script,
        script_path=f"{_NAME}/run_submit.script",
    )
    PipelinerFrontend().check(asked)


# Submission.


def test_a_job_of_relions_may_be_submitted_and_tried_again(bench: Bench) -> None:
    check(bench)
    check(bench, bench.planned.script)


@pytest.mark.parametrize("kind", ["relion.import", "relion.manualpick", "cryolo.autopick"])
def test_a_kind_that_is_not_for_machines_is_refused_at_once(bench: Bench, kind: str) -> None:
    bench.kind = kind
    bench.write()
    with pytest.raises(RefusedError, match=rf"{kind}.*Submit to queue: No"):
        check(bench)


def test_a_job_without_its_file_is_refused_at_once(bench: Bench) -> None:
    (bench.folder / "job.star").unlink()
    with pytest.raises(MissingInputError, match=f"{_NAME}/job.star"):
        check(bench)


def test_a_python_that_is_not_there_is_refused_at_once(bench: Bench) -> None:
    script = bench.script.replace(shlex.quote(sys.executable), "/nowhere/python")
    with pytest.raises(RefusedError, match="/nowhere/python"):
        check(bench, script)


# Before machines.


def test_machines_get_what_the_pipeliner_would_have_run(bench: Bench) -> None:
    job = bench.runs(_VERSION, _RELION, says("after")).planned
    relion = f"relion_run_motioncorr --i a.star --pipeline_control {_NAME}/"
    assert f"\n{relion} || exit\n" in job.script
    assert "after" not in job.script
    assert job == replace(bench.job, script=job.script)
    assert bench.text("run.out") == "before\n"


def test_a_job_is_prepared_once(bench: Bench) -> None:
    frontend = PipelinerFrontend()
    assert frontend.prepares(bench.job)
    assert not frontend.prepares(bench.planned)


def test_first_steps_are_taken_at_home_and_told_in_the_log(bench: Bench) -> None:
    made = f"open({_NAME!r} + '/refs.star', 'w').close()"
    bench.runs(says("first"), python(made), _RELION)
    job = bench.planned
    assert (bench.folder / "refs.star").exists()
    assert bench.text("run.out") == "before\nfirst\n"
    assert job.log_starts == {"out": 13, "err": 7}
    assert bench.planned == job, "again is the same"
    assert bench.text("run.out") == "before\nfirst\n"


def test_a_first_step_that_fails_ends_the_job(bench: Bench) -> None:
    bench.runs(python("import sys; sys.exit('no such reference')"), _RELION)
    with pytest.raises(RefusedError, match=r"comes before RELION.*run\.err"):
        _ = bench.planned
    assert "no such reference" in bench.text("run.err")


def test_a_first_step_that_may_fail_does_not_end_the_job(bench: Bench) -> None:
    bench.runs(python("raise SystemExit(1)", optional=True), _RELION)
    assert Planned.in_(bench.planned.script) is not None


def test_a_refused_job_takes_no_first_step(bench: Bench) -> None:
    bench.runs(says("first"), _RELION, says("between"), _RELION)
    with pytest.raises(RefusedError, match="between programs"):
        _ = bench.planned
    assert bench.text("run.out") == "before\n"


def test_a_pipeliner_that_does_not_answer_is_quoted(bench: Bench) -> None:
    (bench.folder / "commands.json").write_text("{")
    with pytest.raises(RefusedError, match=rf"(?s){_NAME}.*JSONDecodeError"):
        _ = bench.planned


def test_a_job_that_is_wanted_no_more_is_not_asked_about(bench: Bench) -> None:
    bench.wanted = lambda: False
    assert PipelinerFrontend().prepare(bench.job, bench.home) is None


def test_what_hangs_is_ended_once_the_job_is_wanted_no_more(bench: Bench) -> None:
    (bench.folder / "commands.json").unlink()
    os.mkfifo(bench.folder / "commands.json")  # nobody ever writes into it
    looks = iter(range(5))
    bench.wanted = lambda: next(looks, None) is not None
    assert PipelinerFrontend().prepare(bench.job, bench.home) is None


# After machines.


def test_last_steps_and_records_are_the_pipeliners_own(bench: Bench) -> None:
    bench.runs(_VERSION, _RELION, says("last"))
    (bench.folder / "sum.mrc").touch()
    (bench.folder / "run.out").write_text("of the machine, no newline")
    assert bench.concluded(_SUCCESS) == _SUCCESS
    assert bench.text("job_pipeline.star") == f"Succeeded {_NAME}/sum.mrc\n"
    first, *others = bench.text("run.out").splitlines()
    assert first == "of the machine, no newline"
    assert others[-1] == "last"
    assert not any("Running command 2" in line for line in others)
    assert any("Running command 3 of 3" in line for line in others)
    assert bench.text("note.txt").startswith("before\n/here/bin/relion_run_motioncorr --version")
    assert len(json.loads(bench.text(".CCPEM_pipeliner_jobinfo"))) == 2


def test_no_marker_is_the_pipeliners(bench: Bench) -> None:
    for exit_ in (_SUCCESS, _FAILURE, _ABORTED):
        bench.concluded(exit_)
    assert not [path.name for path in bench.folder.iterdir() if "_EXIT_" in path.name]


@pytest.mark.parametrize(
    ("exit_", "status"), [(_FAILURE, "Failed"), (_ABORTED, "Aborted")], ids=["failure", "aborted"]
)
def test_what_failed_or_was_aborted_stays_so_and_takes_no_last_step(
    bench: Bench, exit_: Exit, status: str
) -> None:
    bench.runs(_VERSION, _RELION, says("last"))
    (bench.folder / "PIPELINER_JOB_ABORT_NOW").touch()
    assert bench.concluded(exit_) == exit_
    assert bench.text("job_pipeline.star").split() == [status]
    assert "last" not in bench.text("run.out")


def test_a_last_step_that_fails_makes_a_failure_of_success(bench: Bench) -> None:
    bench.runs(_RELION, python("import sys; sys.exit('no data in a.star')"))
    exit_ = bench.concluded(_SUCCESS)
    assert exit_ is not None
    assert exit_.outcome is Outcome.FAILURE
    assert "results are home" in exit_.reason
    assert "Command 2 failed with exit status 1" in exit_.reason
    assert bench.text("job_pipeline.star").split() == ["Failed"]
    assert "no data in a.star" in bench.text("run.err")


def test_an_abort_that_comes_while_last_steps_are_taken_counts(bench: Bench) -> None:
    abort = f"open({_NAME!r} + '/PIPELINER_JOB_ABORT_NOW', 'w').close()"
    bench.runs(_RELION, python(abort))
    exit_ = bench.concluded(_SUCCESS)
    assert exit_ is not None
    assert exit_.outcome is Outcome.ABORTED


def test_a_pipeliner_that_breaks_at_the_end_is_quoted_and_makes_a_failure(bench: Bench) -> None:
    job = bench.planned
    (bench.folder / "commands.json").write_text("{")
    exit_ = PipelinerFrontend().conclude(job, bench.home, _SUCCESS)
    assert exit_ is not None
    assert exit_.outcome is Outcome.FAILURE
    assert "JSONDecodeError" in exit_.reason
    assert PipelinerFrontend().conclude(job, bench.home, _ABORTED) == _ABORTED


def test_a_python_that_went_away_meanwhile_makes_a_failure(bench: Bench) -> None:
    job = bench.planned
    gone = replace(job, script=job.script.replace(json.dumps(sys.executable), '"/gone/python"'))
    exit_ = PipelinerFrontend().conclude(gone, bench.home, _SUCCESS)
    assert exit_ is not None
    assert "/gone/python cannot be started" in exit_.reason


def test_a_project_that_is_away_is_no_verdict(bench: Bench, tmp_path: Path) -> None:
    job = bench.planned
    bench.project.rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError):
        PipelinerFrontend().conclude(job, bench.home, _SUCCESS)


def test_a_courier_that_is_to_end_gives_no_verdict(bench: Bench) -> None:
    job = bench.runs(_RELION, says("last")).planned
    bench.wanted = lambda: False
    assert PipelinerFrontend().conclude(job, bench.home, _SUCCESS) is None
    assert PipelinerFrontend().conclude(job, bench.home, _FAILURE) == _FAILURE


def test_a_lock_of_a_conclusion_that_was_killed_stops_no_other(bench: Bench) -> None:
    (bench.folder / ".relion_lock").mkdir()
    assert bench.concluded(_SUCCESS) == _SUCCESS
    assert not (bench.folder / ".relion_lock").exists()


def test_a_job_that_was_never_planned_is_concluded_as_it_is(bench: Bench) -> None:
    assert PipelinerFrontend().conclude(bench.job, bench.home, _FAILURE) == _FAILURE
    assert not (bench.folder / "job_pipeline.star").exists()


def test_what_is_made_has_the_submitters_umask(bench: Bench) -> None:
    bench.concluded(_SUCCESS)
    assert (bench.folder / "job_pipeline.star").stat().st_mode & 0o777 == 0o640


def waiting(pid: Path) -> Step:
    """A step that does not end by itself, and the file that its process's number is in."""
    code = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    return python(code)


def ended(pid: Path) -> bool:
    """Whether that process is gone; a zombie is, once its new parent has looked at it."""
    try:
        os.kill(int(pid.read_text()), 0)
    except ProcessLookupError:
        return True
    return False


def wait_for(what: Callable[[], object]) -> None:
    until_s = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def test_last_steps_are_ended_where_the_courier_is_to_end(bench: Bench, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    job = bench.runs(_RELION, waiting(pid)).planned
    bench.wanted = lambda: not (pid.exists() and pid.read_text())
    assert PipelinerFrontend().conclude(job, bench.home, _SUCCESS) is None
    wait_for(lambda: ended(pid))


def test_last_steps_do_not_begin_once_the_courier_was_killed(bench: Bench) -> None:
    done = subprocess.run(
        [sys.executable, str(_TAIL), f"{_NAME}/job.star", "1", "success"],
        cwd=bench.project,
        env=dict(bench.home.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "has ended meanwhile" in done.stderr
    assert bench.text("note.txt") == "before\n"


def test_last_steps_end_with_a_courier_that_is_killed(bench: Bench, tmp_path: Path) -> None:
    """Nothing goes on beside those of the next courier."""
    pid = tmp_path / "pid"
    bench.runs(_RELION, waiting(pid))
    with subprocess.Popen(
        [sys.executable, str(_TAIL), f"{_NAME}/job.star", "1", "success"],
        cwd=bench.project,
        env=dict(bench.home.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wait_for(lambda: pid.exists() and pid.read_text())
        assert process.stdin is not None
        process.stdin.close()  # as the kernel does for a program that is killed
        assert process.wait(60) == -signal.SIGKILL
    wait_for(lambda: ended(pid))
