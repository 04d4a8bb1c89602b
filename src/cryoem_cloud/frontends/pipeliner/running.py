"""Runs programs of the front end's on the submitter's computer, as if they had started them."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryoem_cloud.ports.frontend import AtHome

__all__ = ["Ran", "logged", "ran"]

_LOOK_S = 0.1
_LONGEST = 8 * 1024 * 1024
"""Bytes that are kept of what a program says."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: its exit code, and what it said; `code` is None where it was ended."""

    code: int | None
    out: str = ""
    err: str = ""

    @property
    def last_words(self) -> str:
        """The last line that it said, rather of its errors."""
        lines = [line.strip() for line in (self.out + "\n" + self.err).splitlines()]
        return next((line for line in reversed(lines) if line), "it said nothing")


def ran(words: Sequence[str], home: AtHome, *, cwd: Path, limit_s: float) -> Ran:
    """Run a program; it is ended after `limit_s`, or once the job is wanted no more.

    Raises:
        OSError: It cannot be started.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _started(words, home, cwd, (out, err)) as process:
            code = _waited(process, home, limit_s)
        return Ran(code, _said(out), _said(err))


def logged(
    words: Sequence[str], home: AtHome, *, cwd: Path, limit_s: float, logs: Sequence[Path]
) -> Ran:
    """As `ran`, with what it says behind what is in its two logs.

    Raises:
        OSError: It cannot be started, or a log cannot be written.
    """
    with (
        logs[0].open("ab") as out,
        logs[1].open("ab") as err,
        _started(words, home, cwd, (out, err)) as process,
    ):
        return Ran(_waited(process, home, limit_s))


def _waited(process: subprocess.Popen[bytes], home: AtHome, limit_s: float) -> int | None:
    until_s = time.monotonic() + limit_s
    while home.wanted() and time.monotonic() < until_s:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_LOOK_S)
    return None


@contextmanager
def _started(
    words: Sequence[str], home: AtHome, cwd: Path, logs: tuple[BinaryIO, BinaryIO]
) -> Iterator[subprocess.Popen[bytes]]:
    """The program in a session of its own, of which nothing is left afterwards.

    Its standard input ends when this process does, however it ends.
    """
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=dict(home.environment),
        stdin=subprocess.PIPE,
        stdout=logs[0],
        stderr=logs[1],
        start_new_session=True,
        umask=-1 if home.umask is None else home.umask,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _said(file: BinaryIO) -> str:
    """The last of what a file holds."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _LONGEST))
    return file.read().decode("utf-8", "replace")
