"""One machine that runs: its processes in namespaces of their own, as root of nothing but itself.

The namespaces keep what runs in them from seeing and touching other things by accident. They are no
wall against malice: only our own programs run in them.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.ec2sim.cgroups import Cgroup
from tests.ec2sim.house import House, host_name
from tests.ec2sim.init import AGAIN, OFF
from tests.ec2sim.network import Wire
from tests.ec2sim.seam import Instance

__all__ = ["Sandbox"]

_ROOTFS = Path(__file__).with_name("rootfs.py")
_DROPPED = ("sys_module", "sys_time", "sys_rawio", "mac_admin", "mac_override", "syslog")
_WEAKENED = ("setpriv", "--bounding-set", ",".join(f"-{name}" for name in _DROPPED))
"""Root, but unable to change what is the host's alone."""
_BY_THE_KERNEL = {-signal.SIGHUP: AGAIN, -signal.SIGINT: OFF}
"""How the first program ends when somebody on the machine calls reboot(2): see its manual page."""
_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc")


class Sandbox:
    """The machine from one start of its first program to its end."""

    def __init__(self, instance: Instance, house: House, wire: Wire, cgroup: Cgroup) -> None:
        self._instance = instance
        self._house = house
        self._wire = wire
        self._cgroup = cgroup
        self._process: subprocess.Popen[bytes] | None = None
        self._first = -1
        self._lock = threading.Lock()

    def start(self, lifeline: int, disks: dict[str, int]) -> bool:
        """Start it; on return its first program runs, or False if that could not be.

        Of disks the machine has these: numbers of block devices by name.
        """
        heard, ready = os.pipe()
        try:
            self._process = self._started(lifeline=lifeline, ready=ready, disks=disks)
        finally:
            os.close(ready)
        try:
            runs = os.read(heard, 1) != b""
        finally:
            os.close(heard)
        if runs:
            with contextlib.suppress(ProcessLookupError), self._lock:
                self._first = os.pidfd_open(_child(self._process.pid))
        return runs

    def _started(
        self, *, lifeline: int, ready: int, disks: dict[str, int]
    ) -> subprocess.Popen[bytes]:
        plan = json.dumps(self._plan(lifeline=lifeline, ready=ready, disks=disks))
        apart = ("unshare", *_NAMESPACES, "--fork", "--kill-child")
        program = (sys.executable, "-I", "-S", str(_ROOTFS), plan)
        console = self._house.directory / self._instance.id / "console.log"
        with console.open("ab") as written:
            return subprocess.Popen(
                self._wire.namespace.command(*_WEAKENED, *apart, *program),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                pass_fds=(lifeline, ready),
                start_new_session=True,
            )

    def wait(self) -> int:
        """The exit code of its first program, when nothing of the machine runs any more."""
        assert self._process is not None
        code = self._process.wait()
        with self._lock:
            if self._first >= 0:
                os.close(self._first)
                self._first = -1
        return _BY_THE_KERNEL.get(code, code)

    def ask(self) -> None:
        """Have the first program end the others and itself."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End all of it at once, frozen or not."""
        self._cgroup.freeze(frozen=False)
        self._signal(signal.SIGKILL)

    def run(self, *command: str, timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
        """What a command on the machine prints, and its exit code.

        Raises:
            OSError: The machine does not run.
        """
        assert self._process is not None
        target = ("--target", str(_child(self._process.pid)))
        spaces = ("--mount", "--pid", "--uts", "--ipc", "--net")
        return subprocess.run(
            (*_WEAKENED, "nsenter", *target, *spaces, "--wd=/", "--", *command),
            check=False,
            capture_output=True,
            env=self._house.variables(),
            text=True,
            timeout=timeout_s,
        )

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if self._first >= 0:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._first, number)

    def _plan(self, *, lifeline: int, ready: int, disks: dict[str, int]) -> dict[str, object]:
        disk = self._house.disk(self._instance.id)
        return {
            "binds": {str(host): place for host, place in self._house.binds.items()},
            "cgroups": [str(folder) for folder in self._cgroup.folders],
            "disks": disks,
            "environment": self._house.variables(),
            "first": self._house.first(lifeline=lifeline, ready=ready),
            "host": host_name(self._instance),
            "lower": str(disk.lower),
            "root": str(disk.root),
            "upper": str(disk.upper),
            "work": str(disk.work),
        }


def _child(number: int) -> int:
    """The only child of a process.

    Raises:
        ProcessLookupError: It has none.
    """
    with contextlib.suppress(FileNotFoundError):
        words = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii").split()
        if words:
            return int(words[0])
    raise ProcessLookupError(f"process {number} has no child: the machine does not run")
