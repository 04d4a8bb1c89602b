"""shutdown, poweroff, halt, reboot and systemctl of a machine, under whichever name it is called.

A program of its own, for any Python from 3.9 on; it imports nothing of ours. Minutes are the
simulator's: /etc/ec2sim.json says how many seconds one of them lasts.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

_SCHEDULE = Path("/run/systemd/shutdown/scheduled")
_CLOCK = Path("/etc/ec2sim.json")
_VERBS = {"poweroff": "poweroff", "halt": "halt", "reboot": "reboot"}
_OPTIONS = {
    **dict.fromkeys(("-P", "-h", "--poweroff"), "poweroff"),
    **dict.fromkeys(("-H", "--halt"), "halt"),
    **dict.fromkeys(("-r", "--reboot"), "reboot"),
}
_IGNORED = ("--no-wall", "-f", "--force", "-q", "-i", "-ff", "--no-block")
_NO_SYSTEMD = "System has not been booted with systemd as init system (PID 1). Can't operate."


def asked(called: str, words: list[str]) -> tuple[str, float | None]:
    """What to do and in how many minutes; to do `cancel` is to forget it.

    Raises:
        ValueError: The real command would not understand that, or does more than we can.
    """
    if called == "systemctl":
        verbs = [word for word in words if not word.startswith("-")]
        if len(verbs) != 1 or verbs[0] not in _VERBS:
            raise ValueError(_NO_SYSTEMD)
        return verbs[0], 0.0
    if called in _VERBS:
        return _VERBS[called], 0.0
    mode, times = "poweroff", []
    for word in words:
        if word == "-c":
            return "cancel", None
        if word in _OPTIONS:
            mode = _OPTIONS[word]
        elif word.startswith("-") and word not in _IGNORED:
            raise ValueError(f"shutdown: unrecognized option '{word}'")
        elif not word.startswith("-"):
            times.append(word)  # then comes a message to users
    return mode, _minutes(times[0] if times else "+1")


def _minutes(word: str) -> float:
    if word == "now":
        return 0.0
    if not (word.startswith("+") and word[1:].isdecimal()):
        raise ValueError(f"Failed to parse time specification: {word} (the simulator: now, +N)")
    return float(word[1:])


def main(arguments: list[str]) -> int:
    """Write down what was asked, and have the first program read it."""
    try:
        mode, minutes = asked(Path(arguments[0]).name, arguments[1:])
    except ValueError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    if minutes is None:
        _SCHEDULE.unlink(missing_ok=True)
    else:
        minute_s = float(json.loads(_CLOCK.read_text("ascii"))["minute_s"])
        at = time.time() + minutes * minute_s
        beside = _SCHEDULE.with_suffix(".part")
        beside.write_text(f"USEC={int(at * 1e6)}\nWARN_WALL=1\nMODE={mode}\n", "ascii")
        beside.replace(_SCHEDULE)
    os.kill(1, signal.SIGHUP)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
