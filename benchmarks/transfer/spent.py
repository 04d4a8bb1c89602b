"""Runs a command and writes what it took: a program of its own, small, standard library alone.

    python spent.py REPORT TIMEOUT_S COMMAND…

The peak memory that Linux reports of a process is at least that of the one it was started from. So
clients are started from this small one and not from the benchmark. All processes that the command
starts, and waits for, are counted.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

__all__ = ["spent"]

_KIB = 1024


def spent(command: list[str], timeout_s: float) -> dict[str, float | int]:
    """What it took, and its exit code; what runs at the end of the time is killed."""
    began_s = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True)
    timer = threading.Timer(timeout_s, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
    wall_s = time.monotonic() - began_s
    return {
        "wall_s": round(wall_s, 3),
        "cpu_s": round(used.ru_utime + used.ru_stime, 3),
        "rss_mb": round(used.ru_maxrss * _KIB / 1e6, 1),
        "code": os.waitstatus_to_exitcode(status),
    }


if __name__ == "__main__":
    report, timeout, *words = sys.argv[1:]
    found = spent(words, float(timeout))
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123  (nothing else is imported)
        json.dump(found, file)
