"""Runs a task's script on the leash, and says how it ended."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Running", "killed_for_memory", "start"]


@dataclass
class Running:
    """A script that runs. Its standard output and error grow in two files."""

    _leash: subprocess.Popen[bytes]
    _orders: int
    _reports: int
    code: int | None = None

    def terminate(self) -> None:
        """Ask all its processes to end (TERM)."""
        self._order(b"T")

    def kill(self) -> None:
        """End all its processes (KILL)."""
        self._order(b"K")

    def ended(self, timeout_s: float) -> bool:
        """Whether it has ended, waiting for that so long; then `code` is set.

        A negative code is the signal that ended it. A leash that was killed itself counts as
        killed: its descendants are then not held any more.
        """
        if self.code is not None:
            return True
        try:
            self._leash.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        with os.fdopen(self._reports, "rb") as reports:
            report = reports.read()
        os.close(self._orders)
        self.code = int(report) if report else -9
        return True

    def _order(self, order: bytes) -> None:
        if self.code is None:
            try:
                os.write(self._orders, order)
            except BrokenPipeError:
                return


def start(
    script: Path,
    *,
    folder: Path,
    out: Path,
    err: Path,
    environment: Mapping[str, str],
    umask: int | None = None,
    around: Callable[[Sequence[str]], Sequence[str]] | None = None,
) -> Running:
    """Start `bash script` in `folder`, its output in two files, its environment just this.

    `around` makes of that the command line that runs it in a container, where it is to be in one.

    Bash is given the script's path from `folder`, so that what it prints names no place of this
    machine's. `umask` is the script's (None: ours).

    Should this process end for any reason, the script and all that it started are killed.
    """
    orders_read, orders_write = os.pipe()
    reports_read, reports_write = os.pipe()
    leash = (sys.executable, "-I", "-m", "cryoem_cloud.agent.leash")
    named = os.path.relpath(script.resolve(), folder.resolve())
    bash = shutil.which("bash", path=environment.get("PATH")) or "/bin/bash"
    program = around(("bash", "--", named)) if around else (bash, "--", named)
    try:
        with out.open("ab") as out_file, err.open("ab") as err_file:
            process = subprocess.Popen(
                [*leash, str(orders_read), str(reports_write), *program],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=out_file,
                stderr=err_file,
                start_new_session=True,
                umask=-1 if umask is None else umask,
                pass_fds=(orders_read, reports_write),
            )
    finally:
        os.close(orders_read)
        os.close(reports_write)
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(json.dumps(dict(environment)).encode())
    return Running(process, orders_write, reports_read)


def killed_for_memory() -> int:
    """How often this computer's kernel has killed for want of memory since it booted.

    From /proc/vmstat (oom_kill, Linux ≥ 4.13); 0 where that is not told.
    """
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
