"""How a RELION job ended, from its exit code, its markers and its last words."""

import re
import signal
from dataclasses import replace

from cryoem_cloud.apps.relion.explain import ended_by, explained, report, warned
from cryoem_cloud.apps.relion.hollow import empty_input, empty_output
from cryoem_cloud.apps.relion.pieces import in_vain
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.apps.relion.unfit import unfit
from cryoem_cloud.apps.verdict import last_words, signal_of
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.ports.application import Finished

__all__ = ["ABORTED", "ABORT_NOW", "FAILURE", "MARKERS", "SUCCESS", "judge"]

SUCCESS = "RELION_JOB_EXIT_SUCCESS"
FAILURE = "RELION_JOB_EXIT_FAILURE"
ABORTED = "RELION_JOB_EXIT_ABORTED"
MARKERS = (SUCCESS, FAILURE, ABORTED)
ABORT_NOW = "RELION_JOB_ABORT_NOW"

_DIED = re.compile(
    r"line \d+:\s+\d+ (?P<how>Killed|Aborted|Segmentation fault|Bus error|Illegal instruction"
    r"|Floating point exception|Terminated)[^\n]*relion_"
)
"""What bash says when a signal ended a command in the middle of a script."""

_RANK_DIED = re.compile(r"process rank \d+ with PID \d+ on node \S+ exited on signal \d+")
"""What mpirun says when a signal ended one of its ranks; it ends the others then."""

_NOT_FOUND = re.compile(
    r"(?<!\S)(?P<what>\S+): (?:command )?not found|no (?P<which>relion_\w+) in \("
)
_NO_EXECUTABLE = re.compile(r"(?:unable to find|could not access).*executable", re.DOTALL)


def judge(job: Job, finished: Finished) -> Exit:
    """See the port: Application.judge."""
    aborted = ABORTED in finished.markers and FAILURE not in finished.markers
    if aborted and not finished.out_of_memory:
        return Exit(outcome=Outcome.ABORTED, code=finished.code, reason="aborted by request")
    if finished.piece and not finished.out_of_memory and in_vain(job, finished):
        return Exit(outcome=Outcome.SUCCESS)
    if what := _what_went_wrong(job, finished):
        reason = what + _why(job, finished) + last_words(finished)
        lost = _is_lost(finished)
        return Exit(outcome=Outcome.FAILURE, code=finished.code, reason=reason, lost=lost)
    return Exit(outcome=Outcome.SUCCESS, reason=_warning(finished))


def _is_lost(finished: Finished) -> bool:
    """Whether a signal ended a program, or one of its ranks, that had reported no error.

    What comes after it in the script may have: it misses what the program would have made.
    """
    if finished.out_of_memory:
        return True
    said = finished.tail_err
    if found := _DIED.search(said) or _RANK_DIED.search(said):
        return not report(replace(finished, tail_err=said[: found.start()]))
    return bool(signal_of(finished.code)) and FAILURE not in finished.markers


def _what_went_wrong(job: Job, finished: Finished) -> str:
    """In a few words; "" where nothing did. A script's exit code is that of its last line."""
    died = _DIED.search(finished.tail_err)
    if finished.out_of_memory:
        return "the machine ran out of memory, and the program was killed"
    if FAILURE in finished.markers:
        return f"{_failing(job)} reported a failure{_report(finished)}"
    if finished.code != 0:
        return _bad_code(job, finished)
    if died is not None:
        return f"a program did not end by itself: {died['how']}"
    return _unsaid(job, finished)


def _unsaid(job: Job, finished: Finished) -> str:
    """What went wrong though RELION may have called it a success."""
    if empty := empty_output(_understood(job), finished):
        return f"RELION called it a success, but {empty}"
    if SUCCESS in finished.markers and unfit(_understood(job), finished):
        return "RELION called it a success, but made particles of no numbers"
    if SUCCESS not in finished.markers:
        return _hidden(job, finished)
    return ended_by(finished) and "RELION called it a success, but a program ended early"


def _why(job: Job, finished: Finished) -> str:
    """What it means and what to do, to be put behind a sentence; "" where we do not know."""
    if finished.out_of_memory:
        said = "fewer MPI processes or threads need less, and other machines have more"
    elif _missing_program(finished, job).startswith("relion_"):
        said = "RELION must be in the PATH there: install it, or module load in the queue template"
    elif empty := empty_input(_understood(job), finished):
        said = empty
    elif no_numbers := unfit(_understood(job), finished):
        said = no_numbers
    else:
        said = explained(finished)
    return said and f"; {said}"


def _hidden(job: Job, finished: Finished) -> str:
    """What went wrong with RELION's programs though the script's last line did well."""
    programs = [call for call in _understood(job) if call.program is not None]
    missing = _missing_program(finished, job) if programs else ""
    controlled = [call.name for call in programs if call.controlled]
    if missing and (controlled or missing.startswith("relion_")):
        return missing
    if programs and (report := _report(finished)):
        return f"{_failing(job)} reported a failure{report}"
    if controlled:
        return f"{controlled[-1]} left no exit marker: it was killed, or never started"
    return ""


def _failing(job: Job) -> str:
    """The program that can have reported a failure; of several, nobody knows which."""
    names = {call.name for call in _understood(job) if call.program is not None}
    return names.pop() if len(names) == 1 else "RELION"


def _report(finished: Finished) -> str:
    """What RELION's report says, to be put behind a sentence; "" if there is none."""
    said = report(finished)
    return said and f": {said}"


def _bad_code(job: Job, finished: Finished) -> str:
    missing = _missing_program(finished, job)
    if missing:
        return missing
    if name := signal_of(finished.code):
        may_be_memory = name == signal.SIGKILL.name
        return f"the script was ended by {name}" + (
            ", as when memory runs out" if may_be_memory else ""
        )
    late = " after RELION had reported success" if SUCCESS in finished.markers else ""
    return f"the script ended with exit code {finished.code}{late}{_report(finished)}"


def _missing_program(finished: Finished, job: Job) -> str:
    """Says which program the machine lacks; "" if none."""
    found = _NOT_FOUND.search(finished.tail_err)
    if found is None and _NO_EXECUTABLE.search(finished.tail_err) is None:
        return ""
    what = (found["what"] or found["which"]) if found is not None else ""
    if not what or what.startswith("-"):
        # `which` found nothing, so that bash took the first option for the command
        what = next((call.name for call in _understood(job) if call.program is not None), what)
    return f"{what} is not installed on the machine"


def _understood(job: Job) -> list[Call]:
    try:
        return list(calls(job.script))
    except FormatError:
        return []


def _warning(finished: Finished) -> str:
    """What a user should know of a success."""
    said = warned(finished)
    return said and f"warning: {said}"
