"""How jobs ended."""

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.ports.application import Finished

from .conftest import make_job

_SUCCESS = "RELION_JOB_EXIT_SUCCESS"
_FAILURE = "RELION_JOB_EXIT_FAILURE"
_ABORTED = "RELION_JOB_EXIT_ABORTED"
_SCRIPT = "`which relion_autopick` --odir a/b/ --pipeline_control a/b/\necho x > a/b/c.star\n"


def judged(code: int, *markers: str, script: str = _SCRIPT, **said: object) -> Exit:
    finished = Finished(code=code, markers=markers, **said)  # type: ignore[arg-type]  # by name
    return Relion().judge(make_job(script), finished)


def test_a_marker_and_exit_code_0_are_success() -> None:
    assert judged(0, _SUCCESS) == Exit(outcome=Outcome.SUCCESS)


def test_a_program_that_left_no_marker_failed_whatever_the_last_line_did() -> None:
    exit_ = judged(0)
    assert exit_.outcome is Outcome.FAILURE
    assert "relion_autopick left no exit marker" in exit_.reason


def test_programs_that_were_not_told_to_leave_markers_are_judged_by_the_exit_code() -> None:
    script = "relion_star_handler --i a --o b/c"
    assert judged(0, script=script).outcome is Outcome.SUCCESS
    assert judged(1, script=script).outcome is Outcome.FAILURE


def test_a_failure_marker_counts_more_than_success() -> None:
    assert judged(0, _SUCCESS, _FAILURE).outcome is Outcome.FAILURE


def test_a_bad_exit_code_counts_more_than_an_early_success() -> None:
    exit_ = judged(3, _SUCCESS)
    assert exit_.outcome is Outcome.FAILURE
    assert "exit code 3 after RELION had reported success" in exit_.reason


def test_an_aborted_job_is_no_failure_though_mpirun_says_2() -> None:
    assert judged(2, _ABORTED).outcome is Outcome.ABORTED


def test_a_second_program_that_was_killed_fails_the_job() -> None:
    said = (
        "run.sh: line 7:  9299 Killed                 "
        "`which relion_flex_analyse` --PCA_orient --pipeline_control a/b/"
    )
    exit_ = judged(0, _SUCCESS, tail_err=said)
    assert exit_.outcome is Outcome.FAILURE
    assert "Killed" in exit_.reason


@pytest.mark.parametrize(
    ("code", "word"),
    [(-9, "SIGKILL"), (137, "SIGKILL"), (134, "SIGABRT"), (-15, "SIGTERM"), (42, "exit code 42")],
)
def test_signals_have_names(code: int, word: str) -> None:
    assert word in judged(code).reason


_KILLED_RANK = (
    "mpirun noticed that process rank 1 with PID 0 on node vm exited on signal 9 (Killed)."
)
_KILLED = "run.sh: line 3: 12 Killed      `which relion_refine` --o a/b/run\n"
_REPORT = "in: /build/src/filename.cpp, line 3\nERROR: \nthere is no such file\n"


@pytest.mark.parametrize(
    ("code", "markers", "said", "lost"),
    [
        (137, (), "", True),
        (-9, (), "", True),
        (139, (), "", True),
        (137, (), _KILLED_RANK, True),
        (1, (_FAILURE,), _REPORT, False),
        (137, (_FAILURE,), _REPORT, False),
        (3, (), "", False),
        (127, (), "run.sh: line 5: relion_autopick: command not found\n", False),
        # a line of the script that comes after the one that was killed
        (0, (_SUCCESS, _FAILURE), _KILLED + _REPORT, True),
        (0, (_FAILURE,), _KILLED_RANK + "\n" + _REPORT, True),
        (0, (_FAILURE,), _REPORT + _KILLED_RANK, False),
        (0, (), _KILLED, True),
        (0, (), "", False),
    ],
)
def test_what_a_signal_ended_is_lost_and_what_reported_an_error_is_not(
    code: int, markers: tuple[str, ...], said: str, *, lost: bool
) -> None:
    exit_ = judged(code, *markers, tail_err=said)
    assert exit_.outcome is Outcome.FAILURE
    assert exit_.lost is lost
    assert judged(code, *markers, tail_err=said, out_of_memory=True).lost


def test_lack_of_memory_is_named_before_all_else() -> None:
    exit_ = judged(137, _FAILURE, out_of_memory=True)
    assert exit_.outcome is Outcome.FAILURE
    assert exit_.reason.startswith("the machine ran out of memory")


@pytest.mark.parametrize(
    "said",
    [
        "bash: line 5: --odir: command not found\n",
        "run.sh: line 5: relion_autopick: command not found\n",
        "mpirun was unable to find the specified executable file, and therefore did not launch\n",
        "/usr/bin/which: no relion_autopick in (/usr/bin)\n",
    ],
)
@pytest.mark.parametrize("code", [0, 127])
def test_a_program_that_is_not_installed_is_named(said: str, code: int) -> None:
    exit_ = judged(code, tail_err=said)
    assert exit_.outcome is Outcome.FAILURE
    assert exit_.reason.startswith("relion_autopick is not installed on the machine")


_REPORT = "in: /b/src/x.cpp, line 7\nERROR: \nno such reference.\n=== Backtrace  ===\nERROR: \nno\n"


@pytest.mark.parametrize(
    ("code", "markers"), [(0, (_FAILURE,)), (0, ()), (1, (_FAILURE,)), (1, ())]
)
def test_what_relion_reports_is_the_reason_whatever_the_last_line_did(
    code: int, markers: tuple[str, ...]
) -> None:
    exit_ = judged(code, *markers, tail_err=_REPORT)
    assert exit_.outcome is Outcome.FAILURE
    assert exit_.reason.split(";")[0].endswith(": no such reference")


def test_the_only_program_that_can_have_failed_is_named() -> None:
    assert judged(0, _FAILURE).reason.startswith("relion_autopick reported a failure")
    two = f"{_SCRIPT}relion_star_handler --i a --o b/c\n"
    assert judged(0, _FAILURE, script=two).reason.startswith("RELION reported a failure")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (_REPORT, "relion_star_handler reported a failure: no such reference"),
        ("x: line 1: relion_star_handler: command not found\n", "relion_star_handler is not inst"),
    ],
)
def test_without_markers_an_echo_at_the_end_hides_no_failure(said: str, reason: str) -> None:
    exit_ = judged(0, script="relion_star_handler --i a --o b/c\necho done\n", tail_err=said)
    assert exit_.outcome is Outcome.FAILURE
    assert exit_.reason.startswith(reason)


def test_a_helper_that_is_missing_fails_no_job_of_programs_without_markers() -> None:
    said = "x: line 1: module: command not found\n"
    assert judged(0, script="relion_star_handler --o b/c", tail_err=said) == Exit(
        outcome=Outcome.SUCCESS
    )


def test_the_last_lines_are_told_without_progress_bars() -> None:
    exit_ = judged(1, tail_err="a\n000/??? sec ~~(,_,\r  1/1 sec ~~oo\rERROR: no such file\n")
    assert exit_.reason.endswith("the last lines were:\na\nERROR: no such file")


def test_missing_csh_is_a_warning_as_relion_calls_it_success() -> None:
    exit_ = judged(0, _SUCCESS, tail_err="sh: 1: csh: not found\n")
    assert exit_.outcome is Outcome.SUCCESS
    assert "RELION_SHELL=bash" in exit_.reason


def test_micrographs_without_ctf_are_a_warning() -> None:
    said = " WARNING: skipping, since cannot get CTF values for M/mic_1.mrc\n"
    exit_ = judged(0, _SUCCESS, tail_err=said)
    assert exit_.outcome is Outcome.SUCCESS
    assert "no CTF values" in exit_.reason


def test_nothing_is_picked_where_the_last_word_says_so() -> None:
    """The log of a job in pieces has what each piece said, and then what RELION says of all."""
    said = " Total number of particles from {} micrographs is {}\n i.e. on average"
    one, all_ = said.format(1, 0), said.format(7, 57)
    assert judged(0, _SUCCESS, tail_out=one + all_).reason == ""
    assert "no particle was picked" in judged(0, _SUCCESS, tail_out=all_ + one).reason


def test_a_piece_that_breaks_off_as_nothing_was_picked_has_ended_well() -> None:
    """So does RELION 3.1, over its plots; all that a piece makes is there."""
    said = " Total number of particles from 3 micrographs is 0\n i.e. on average there were 0"
    died = "run_submit.script: line 15: 29948 Aborted     $run `which relion_autopick` --i m.star\n"
    script = "`which relion_autopick` --i m.star --odir a/b/ --pipeline_control a/b/\n"
    broken = {"script": script, "tail_out": said, "tail_err": died}
    assert judged(134, piece=True, **broken).outcome is Outcome.SUCCESS
    assert judged(134, **broken).outcome is Outcome.FAILURE
    assert judged(134, piece=True, script=script, tail_err=died).outcome is Outcome.FAILURE


def test_a_piece_of_which_no_micrograph_can_be_fitted_has_ended_well() -> None:
    """RELION 5 ends with an error then; those of other pieces may well be fitted."""
    script = (
        "`which relion_run_ctffind` --i m.star --o a/b/ --is_ctffind4 --pipeline_control a/b/\n"
    )
    said = "ERROR: \nfailed to estimate CTF parameters for any micrograph. Exiting...\n"
    assert judged(1, piece=True, script=script, tail_err=said).outcome is Outcome.SUCCESS
    assert judged(1, script=script, tail_err=said).outcome is Outcome.FAILURE


def test_a_script_that_is_no_bash_is_judged_all_the_same() -> None:
    job = make_job("relion_refine 'x", outputs=("x",))
    assert Relion().judge(job, Finished(code=2)).outcome is Outcome.FAILURE
