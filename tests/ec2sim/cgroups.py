"""Control groups of machines: what they may use and have used, and a way to stop their time.

Version 1 (a hierarchy for each controller) and version 2 (one hierarchy), whichever the host has.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cgroup", "Usage", "sweep"]

_ROOT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpu", "cpuacct", "memory", "freezer", "pids")
_OURS = "ec2sim"
_PERIOD_US = 100_000
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a machine has used since it was first started."""

    cpu_s: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The control group of one machine; `folders` has one for each hierarchy."""

    folders: tuple[Path, ...]

    @classmethod
    def make(cls, name: str, *, cpus: float, memory_bytes: int, root: Path = _ROOT) -> "Cgroup":
        """A group, `TAG/ID`, of at most so much processor time and memory."""
        unified = (root / "cgroup.controllers").exists()
        group = cls(_unified(root, name) if unified else _divided(root, name))
        quota = round(cpus * _PERIOD_US)
        if unified:
            group._write("cpu.max", f"{quota} {_PERIOD_US}")
            group._write("memory.max", str(memory_bytes))
        else:
            group._write("cpu.cfs_quota_us", str(quota))
            group._write("memory.limit_in_bytes", str(memory_bytes))
        return group

    def usage(self) -> Usage:
        """What its processes have used."""
        if (nanoseconds := self._read("cpuacct.usage")) is not None:
            cpu_s = int(nanoseconds) / 1e9
        else:
            words = (self._read("cpu.stat") or "usage_usec 0").split()
            cpu_s = int(words[words.index("usage_usec") + 1]) / 1e6
        peak = self._read("memory.max_usage_in_bytes") or self._read("memory.peak") or "0"
        return Usage(cpu_s=cpu_s, peak_bytes=int(peak))

    def freeze(self, *, frozen: bool) -> None:
        """Stop all its processes where they are, or let them go on."""
        if not self._write("cgroup.freeze", "1" if frozen else "0"):
            self._write("freezer.state", "FROZEN" if frozen else "THAWED")

    def processes(self) -> frozenset[int]:
        """The host's numbers of the processes in it."""
        return frozenset(
            int(word) for folder in self.folders for word in _words(folder / "cgroup.procs")
        )

    def kill(self) -> None:
        """End every process in it, frozen or not."""
        self.freeze(frozen=False)
        until = time.monotonic() + _PATIENCE_S
        while (found := self.processes()) and time.monotonic() < until:
            for number in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.01)

    def remove(self) -> None:
        """Remove the group, and what was made above it if nobody else uses that.

        Raises:
            OSError: There are still processes in it.
        """
        for folder in self.folders:
            _remove(folder)
            for above in (folder.parent, folder.parent.parent):
                with contextlib.suppress(OSError):  # other machines, other runs
                    above.rmdir()

    def _file(self, name: str) -> Path | None:
        places = (folder / name for folder in self.folders)
        return next((place for place in places if place.exists()), None)

    def _write(self, name: str, value: str) -> bool:
        place = self._file(name)
        if place is not None:
            place.write_text(value, encoding="ascii")
        return place is not None

    def _read(self, name: str) -> str | None:
        place = self._file(name)
        return place.read_text(encoding="ascii") if place is not None else None


def sweep(tag: str, root: Path = _ROOT) -> None:
    """End and remove whatever an earlier run with this tag has left."""
    controllers = [root, *(root / name for name in _CONTROLLERS)]
    names = {found.name for place in controllers for found in (place / _OURS / tag).glob("*/")}
    for name in names:
        places = tuple(place / _OURS / tag / name for place in controllers)
        group = Cgroup(tuple(place for place in places if place.is_dir()))
        group.kill()
        group.remove()


def _unified(root: Path, name: str) -> tuple[Path, ...]:
    folder = root / _OURS / name
    folder.mkdir(parents=True, exist_ok=True)
    for above in (root, root / _OURS, folder.parent):
        with contextlib.suppress(OSError):  # the host's own may not be ours to change, or need it
            (above / "cgroup.subtree_control").write_text("+cpu +memory +pids", encoding="ascii")
    return (folder,)


def _divided(root: Path, name: str) -> tuple[Path, ...]:
    folders = tuple(root / each / _OURS / name for each in _CONTROLLERS if (root / each).is_dir())
    for folder in dict.fromkeys(path.resolve() for path in folders):
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def _remove(folder: Path) -> None:
    """The kernel may hold a group for an instant after its last process has ended."""
    until = time.monotonic() + _PATIENCE_S
    while folder.exists():
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _words(place: Path) -> list[str]:
    try:
        return place.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
