"""Words for how a script ended, common to all programs."""

import re
import signal
from contextlib import suppress

from cryoem_cloud.ports.application import Finished

__all__ = ["last_words", "not_started", "signal_of", "without_last_words"]

_SHELL_SIGNAL = 128
"""Bash's exit code for a command that signal n ended is 128 + n."""

_NO_COMMAND = re.compile(r": (?P<what>[^\s:]+): command not found$", re.MULTILINE)
"""job.sh: line 5: no-such-program: command not found"""
_NO_FILE = re.compile(r": line \d+: (?P<what>[^\s:]+): No such file or directory$", re.MULTILINE)
_NO_PERMISSION = re.compile(r": line \d+: (?P<what>[^\s:]+): Permission denied$", re.MULTILINE)
_CODE_NOT_FOUND = 127
_CODE_NOT_EXECUTABLE = 126

_LINES = 5
_BEFORE_LINES = "; the last lines were:\n"


def signal_of(code: int) -> str:
    """The name of the signal that an exit code stands for; "" if none."""
    number = -code if code < 0 else code - _SHELL_SIGNAL
    with suppress(ValueError):
        return signal.Signals(number).name
    return ""


def not_started(finished: Finished) -> str:
    """Says which program bash could not start; "" if none.

    That a file is missing, or may not be opened, is said of redirections too: only the exit code
    tells that a program was meant.
    """
    said = finished.tail_err
    found = _NO_COMMAND.search(said)
    if found is None and finished.code == _CODE_NOT_FOUND:
        found = _NO_FILE.search(said)
    if found is not None:
        return f"there is no program {found['what']} on the machine"
    if finished.code == _CODE_NOT_EXECUTABLE and (found := _NO_PERMISSION.search(said)):
        return f"{found['what']} is no program that may be executed (chmod +x?)"
    return ""


def last_words(finished: Finished) -> str:
    """The end of what the programs said, to be put behind a reason; errors go first."""
    said = finished.tail_err.strip() or finished.tail_out.strip()
    lines = [line.rpartition("\r")[2] for line in said.split("\n") if line.strip()][-_LINES:]
    return "".join([_BEFORE_LINES, "\n".join(lines)]) if lines else ""


def without_last_words(reason: str) -> str:
    """A reason without what the programs said last."""
    return reason.partition(_BEFORE_LINES)[0]
