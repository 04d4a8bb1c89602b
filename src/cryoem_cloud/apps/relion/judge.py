"""How a RELION job ended, from its exit code, its markers and its last words."""

import re
import signal

from cryoem_cloud.apps.relion.script import Call, calls
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

_NOT_FOUND = re.compile(r"(?P<what>\S+): (?:command )?not found|no (?P<which>relion_\w+) in \(")
_NO_EXECUTABLE = re.compile(r"(?:unable to find|could not access).*executable", re.DOTALL)
_NO_CSH = re.compile(r"\bcsh: (?:command )?not found|\bcsh: No such file")
_RELION_SAYS = re.compile(r"^in: \S+, line \d+\nERROR: *\n(?P<what>[^\n]*\S)", re.MULTILINE)
"""RELION's report of an error ends the program that makes it, always.

in: /build/src/autopicker.cpp, line 1063
ERROR:
there is no such reference
"""
_NO_CTF = "skipping, since cannot get CTF values"


def judge(job: Job, finished: Finished) -> Exit:
    """See the port: Application.judge."""
    aborted = ABORTED in finished.markers and FAILURE not in finished.markers
    if aborted and not finished.out_of_memory:
        return Exit(outcome=Outcome.ABORTED, code=finished.code, reason="aborted by request")
    if what := _what_went_wrong(job, finished):
        reason = what + last_words(finished)
        return Exit(outcome=Outcome.FAILURE, code=finished.code, reason=reason)
    return Exit(outcome=Outcome.SUCCESS, reason=_warning(finished))


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
    if SUCCESS in finished.markers:
        return ""
    return _hidden(job, finished)


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
    """What RELION's last report says, to be put behind a sentence; "" if there is none."""
    reports = _RELION_SAYS.findall(finished.tail_err)
    return f": {reports[-1].strip().rstrip('.')}" if reports else ""


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
    said = finished.tail_err + finished.tail_out
    if _NO_CSH.search(said):
        return (
            "warning: the machine has no csh, so that no micrograph has CTF values; "
            "install csh there, or set RELION_SHELL=bash"
        )
    if _NO_CTF in said:
        return "warning: some micrographs have no CTF values and are left out; run.err names them"
    return ""
