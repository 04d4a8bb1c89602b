"""Words for how a script ended, common to all programs."""

import signal
from contextlib import suppress

from cryoem_cloud.ports.application import Finished

__all__ = ["last_words", "signal_of", "without_last_words"]

_SHELL_SIGNAL = 128
"""Bash's exit code for a command that signal n ended is 128 + n."""

_LINES = 5
_BEFORE_LINES = "; the last lines were:\n"


def signal_of(code: int) -> str:
    """The name of the signal that an exit code stands for; "" if none."""
    number = -code if code < 0 else code - _SHELL_SIGNAL
    with suppress(ValueError):
        return signal.Signals(number).name
    return ""


def last_words(finished: Finished) -> str:
    """The end of what the programs said, to be put behind a reason; errors go first."""
    said = finished.tail_err.strip() or finished.tail_out.strip()
    lines = [line.rpartition("\r")[2] for line in said.split("\n") if line.strip()][-_LINES:]
    return "".join([_BEFORE_LINES, "\n".join(lines)]) if lines else ""


def without_last_words(reason: str) -> str:
    """A reason without what the programs said last."""
    return reason.partition(_BEFORE_LINES)[0]
