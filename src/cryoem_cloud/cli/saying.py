"""How the commands answer for what went wrong: one line on stderr, and an exit code."""

import argparse
import errno
import os
import sys
from functools import partial
from typing import NoReturn

from cryoem_cloud.model.errors import CryoemError, UsageError
from cryoem_cloud.model.units import visible

__all__ = ["INTERRUPTED", "WIDTH", "QueueParser", "complain"]

INTERRUPTED = 130
"""The exit code of who was interrupted from the keyboard, as shells have it."""
WIDTH = 88
"""Of help texts, in characters."""

_MEND = {
    errno.EACCES: " (see to it that you may read and write there)",
    errno.EROFS: " (its disk is mounted read-only)",
    errno.ENOSPC: " (free some space there)",
    errno.EDQUOT: " (your quota there is used up)",
}

_NO_READER = 141
"""The exit code of who wrote to nobody."""


def complain(program: str, error: CryoemError | OSError) -> int:
    """Say in a line what went wrong, and give the exit code for it.

    A reader that went away, as `head` does, is told nothing.
    """
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains when it ends
        return _NO_READER
    if isinstance(error, CryoemError):
        text, code = str(error), error.exit_code
    else:
        named = f"{error.filename}: " if error.filename else ""
        text, code = f"{named}{error.strerror or error}{_MEND.get(error.errno or 0, '')}", 1
    if sys.stderr is not None:
        line = " ".join(text.split("\n")).encode("utf-8", "backslashreplace").decode()
        line = visible(line)
        print(f"{program}: {line}", file=sys.stderr)
    return code


class QueueParser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours, so that callers of a queue read one line."""

    def __init__(self, program: str, description: str) -> None:
        super().__init__(
            prog=program,
            description=description,
            formatter_class=partial(argparse.HelpFormatter, width=WIDTH),
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """See argparse.

        Raises:
            UsageError: Always.
        """
        raise UsageError(message, hint=f"see {self.prog} --help")
