"""Whether a machine works: its processors, GPUs and network; and whether somebody is logged in."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Idleness", "Sample", "moves", "sampled", "works"]

_CORES = 0.1
"""Processor cores in use below which a machine idles: its agent and system alone need less."""
_GPU = 0.05
"""Of a GPU's time; a driver that is only there shows 0 to 3 %."""
_BYTES_S = 200_000.0
"""Sent and received; the agent's own looks are some 3 kB/s."""
_SSH_PORT, _ESTABLISHED = ":0016", "01"
"""In /proc/net/tcp."""
_SESSION = "ssm-session-wor"
"""Of Session Manager's worker (ssm-session-worker), as far as the kernel keeps names: 15 bytes."""
_HZ = 100
"""Of the figures in /proc/stat (USER_HZ, the same on all of Linux's common architectures)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A look at a machine. Processors and bytes count up; the rest is now.

    `gpu` is the busiest one's, 0 to 1; `entered` says that somebody is logged in.
    """

    at_s: float
    cpu_s: float
    moved_bytes: int
    gpu: float = 0.0
    entered: bool = False


def moves(before: Sample, now: Sample) -> bool:
    """Whether the machine sent or received anything worth the name between two looks."""
    return now.moved_bytes - before.moved_bytes > _BYTES_S * (now.at_s - before.at_s)


def works(before: Sample, now: Sample) -> bool:
    """Whether the machine did anything between two looks."""
    cores = (now.cpu_s - before.cpu_s) / max(now.at_s - before.at_s, 1e-3)
    return cores > _CORES or now.gpu > _GPU or now.entered or moves(before, now)


@dataclass
class Idleness:
    """How long a machine has done nothing, by the looks at it."""

    _last: Sample | None = None
    _since_s: float = 0.0

    @property
    def works(self) -> bool:
        """Whether the machine did something before the last look, as far as that is known."""
        return self._last is not None and self._last.at_s == self._since_s

    def look(self, now: Sample) -> bool:
        """After another look; whether somebody is there, or much was moved since the one before."""
        before, self._last = self._last, now
        if before is None or works(before, now):
            self._since_s = now.at_s
        return now.entered or (before is not None and moves(before, now))

    def idle_s(self, since_s: float) -> float:
        """How long it idles, as far as that was after an instant of the same clock."""
        if self._last is None:
            return 0.0
        return max(0.0, self._last.at_s - max(self._since_s, since_s))


def sampled(now_s: float, proc: Path = Path("/proc")) -> Sample:
    """A look at this machine; what it does not tell counts as nothing."""
    return Sample(
        at_s=now_s,
        cpu_s=_cpu_s(_lines(proc / "stat")),
        moved_bytes=_moved(_lines(proc / "net/dev")),
        gpu=_gpu(),
        entered=_entered(proc),
    )


def _entered(proc: Path) -> bool:
    """Whether a connection to the ssh server stands, or a session of Session Manager is open."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in _lines(proc / "net" / name)[1:]]
    if any(row[1].endswith(_SSH_PORT) and row[3] == _ESTABLISHED for row in rows):
        return True
    return any(line == _SESSION for file in proc.glob("[0-9]*/comm") for line in _lines(file))


# cpu  4705 356 584 3699176 23060 0 277 0 0 0
def _cpu_s(lines: list[str]) -> float:
    """Of all cores together, since the machine booted."""
    words = lines[0].split()[1:] if lines else []
    counts = [int(word) for word in words[:8]]
    return sum(count for at, count in enumerate(counts) if at not in {3, 4}) / _HZ


# Inter-|   Receive                                                |  Transmit
#  face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs …
#     eth0: 1342      17    0    0    0     0          0         0     2210      19    0 …
def _moved(lines: list[str]) -> int:
    total = 0
    for line in lines[2:]:
        name, _, counts = line.partition(":")
        if name.strip() != "lo":
            words = counts.split()
            total += int(words[0]) + int(words[8])
    return total


def _gpu() -> float:
    """Of the time of the busiest GPU; 0 without any, or where its driver does not say."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0.0
    command = (program, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
    try:
        said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return 0.0
    return max((int(word) for word in said.stdout.split() if word.isdecimal()), default=0) / 100


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
