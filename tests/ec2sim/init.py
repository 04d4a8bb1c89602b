"""The first program of a machine: runs the user-data, buries orphans, and shuts down.

A program of its own, for any Python from 3.9 on; it imports nothing of ours. It has one argument, a
JSON object with `grace_s` (what programs have between TERM and the end), `lifeline` (a
descriptor: when its other end is closed, whoever made this machine is gone, and so are we) and
`ready` (a descriptor that takes one byte when this program has begun).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

OFF, AGAIN, ORPHANED = 100, 101, 102
"""Exit codes: shut down, to be started again, left alone."""

SCHEDULE = Path("/run/systemd/shutdown/scheduled")
"""Where systemd keeps it: USEC, microseconds since 1970, and MODE."""
_CLOUD = Path("/var/lib/cloud")
_INSTEAD = Path("/usr/lib/ec2sim/boot")
"""Where what runs the user-data is, if we do not."""
_LOG = Path("/var/log/cloud-init-output.log")
_HEARD = (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM)


def schedule(text: str) -> tuple[float, int] | None:
    """When to shut down (seconds since 1970) and with which exit code, as SCHEDULE has it."""
    words = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if "USEC" not in words or "MODE" not in words:
        return None
    return int(words["USEC"]) / 1e6, AGAIN if words["MODE"] == "reboot" else OFF


def written() -> str:
    """What SCHEDULE holds; nothing if there is none."""
    try:
        return SCHEDULE.read_text("ascii")
    except FileNotFoundError:
        return ""


def say(text: str) -> None:
    """Show it on the console."""
    os.write(1, f"init: {text}\n".encode())


class Machine:
    """The machine from its first program's point of view."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.grace_s = float(settings["grace_s"])
        self.log = os.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        self.waiting = programs()
        self.running = 0

    def run(self) -> int:
        """Live, until there is a reason not to; returns the exit code."""
        while True:
            if not self.running and self.waiting:
                self.running = self.start(self.waiting.pop(0))
            planned = schedule(written())
            left = planned[0] - time.time() if planned else 3600.0
            if planned and left <= 0:
                self.stop()
                return planned[1]
            heard = signal.sigtimedwait(_HEARD, left)
            if heard is not None and heard.si_signo == signal.SIGTERM:
                self.stop()
                return OFF
            self.bury()

    def start(self, program: Path) -> int:
        """The number of the program, which now runs with what cloud-init would give it."""
        say(f"runs {program}")
        outputs = [(os.POSIX_SPAWN_DUP2, self.log, descriptor) for descriptor in (1, 2)]
        nothing = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
        try:
            return os.posix_spawn(
                str(program),
                [str(program)],
                dict(os.environ),
                file_actions=[nothing, *outputs],
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            )
        except OSError as fault:
            say(f"{program}: {fault.strerror}")
            return 0

    def bury(self) -> bool:
        """Take leave of children that have ended; whether there are others."""
        while True:
            try:
                number, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if not number:
                return True
            if number == self.running:
                say(f"exit code {os.waitstatus_to_exitcode(status)}")
                self.running = 0

    def stop(self) -> None:
        """Ask all to end; return when they have, or their time is up."""
        say("shuts down")
        try:
            os.kill(-1, signal.SIGTERM)
        except ProcessLookupError:
            return
        until = time.monotonic() + self.grace_s
        while self.bury() and (left := until - time.monotonic()) > 0:
            signal.sigtimedwait((signal.SIGCHLD,), left)


def programs() -> list[Path]:
    """What to run at this boot: the user's scripts only once in the life of an instance."""
    if instead := sorted(_INSTEAD.glob("*")):
        return instead
    found = sorted((_CLOUD / "scripts/per-boot").glob("*"))
    done = _CLOUD / "instance/sem/config_scripts_user"
    if not done.exists():
        done.parent.mkdir(parents=True, exist_ok=True)
        done.touch()
        found += sorted((_CLOUD / "instance/scripts").glob("*"))
    return found


def hold(lifeline: int) -> None:
    """End with whoever holds the other end."""
    os.set_inheritable(lifeline, False)  # noqa: FBT003  # it takes no keyword
    os.read(lifeline, 1)
    os._exit(ORPHANED)


def main() -> int:
    """Be the first program of a machine."""
    settings = json.loads(sys.argv[1])
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    lifeline, ready = settings["lifeline"], settings["ready"]
    threading.Thread(target=hold, args=(lifeline,), daemon=True).start()
    SCHEDULE.parent.mkdir(parents=True, exist_ok=True)
    os.write(ready, b"1")
    os.close(ready)
    return Machine(settings).run()


if __name__ == "__main__":
    os._exit(main())
