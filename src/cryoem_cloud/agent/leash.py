r"""Holds a task's processes: a small process between the agent and the user's script.

It starts the script, passes the script's end on, and ends every descendant when it is told to, or
when the agent is gone. It knows its descendants even if they made sessions of their own, because
orphans come to it (PR_SET_CHILD_SUBREAPER, Linux).

Usage: `python -I -m cryoem_cloud.agent.leash ORDERS REPORTS PROGRAM…`: two descriptors, a command.
Orders are single bytes: T (terminate) and K (kill); the end of the orders is K. The report is
`<exit code>\\n`, negative for a signal.
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

_PR_SET_CHILD_SUBREAPER = 36
_GRACE_S = 2.0
"""For what a script left behind to end by itself."""


def main(arguments: list[str]) -> int:
    """Hold the program until it has ended and nothing of it is left."""
    orders, reports = int(arguments[0]), int(arguments[1])
    environment = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = os.posix_spawn(
        arguments[2], arguments[2:], environment, setsid=True, setsigdef=[signal.SIGTERM]
    )
    code = _hold(child, orders, wake_read)
    _clear(_GRACE_S)
    with suppress(BrokenPipeError):
        os.write(reports, b"%d" % code)
    return 0


def _hold(child: int, orders: int, wake: int) -> int:
    """The child's exit code, once it has ended."""
    listening = [orders, wake]
    while True:
        code = _reap(child)
        if code is not None:
            return code
        ready, _, _ = select.select(listening, [], [])
        if wake in ready:
            os.read(wake, 4096)
        if orders in ready:
            order = os.read(orders, 1)
            _signal_all(signal.SIGTERM if order == b"T" else signal.SIGKILL)
            if not order:
                listening = [wake]


def _reap(child: int) -> int | None:
    """Collect what has ended; the child's exit code if it is among that."""
    code = None
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
    return code


def _clear(grace_s: float) -> None:
    """Leave no descendant: they may end by themselves, then TERM, then KILL."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + grace_s
        _signal_all(sig)
        while _descendants() and time.monotonic() < until:
            _reap(0)
            time.sleep(0.02)


def _signal_all(sig: signal.Signals) -> None:
    for pid in _descendants():
        with suppress(ProcessLookupError):
            os.kill(pid, sig)


def _descendants() -> set[int]:
    """All living processes below this one."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # 4242 (a name) S 1 …: the name may hold spaces and brackets
            words = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if words[0] != "Z":
                parents[int(stat.parent.name)] = int(words[1])
    below: set[int] = set()
    fresh = {os.getpid()}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - below
        below |= fresh
    return below


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
