"""Whether a file is whole, or still being written: by how long it is quiet, and who has it open."""

import errno
import fcntl
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryoem_cloud.model.file import Stamp

__all__ = ["OPEN_QUIET_S", "QUIET_S", "Settling", "is_being_written", "is_young"]

QUIET_S = 1.0
"""A file that has not changed for so long is taken to be whole, unless it is open."""
OPEN_QUIET_S = 5.0
"""One that somebody has open to write to is, after so long: logs stay open, and are wanted."""
_RESTLESS_S = 3.0
"""A small file that changes for so long is sent as it is now and then, while nobody has it open."""
_YOUNG_NS = 3 * 10**9
"""What was written so lately may be written on. File servers' clocks differ by less, or are off by
far more, and then nothing is young, or all is."""


@dataclass(slots=True)
class Settling:
    """Watches files by their stamps, look after look; time is monotonic seconds.

    What is not seen in a look is forgotten with the next. Files up to `small_bytes` are whole once
    they are quiet, also while they are open; or while they are closed, though they change again and
    again, as a table does that a program writes anew every second.
    """

    small_bytes: int = 0
    _before: dict[str, "_Seen"] = field(default_factory=dict)
    _seen: dict[str, "_Seen"] = field(default_factory=dict)

    def look(self) -> None:
        """Begin a look at all files."""
        self._before, self._seen = self._seen, {}

    def is_settled(self, path: Path, stamp: Stamp, now_s: float) -> bool:
        """Whether a file, which is seen now with that stamp, is whole as far as anybody can tell.

        Links are settled as files are.
        """
        name = os.fspath(path)
        before = self._before.get(name, _Seen(stamp, now_s, now_s))
        seen = before if before.stamp == stamp else _Seen(stamp, now_s, before.first_s)
        self._seen[name] = seen
        small, quiet_s = stamp.size <= self.small_bytes, now_s - seen.since_s
        if quiet_s < QUIET_S:
            restless = small and now_s - seen.first_s >= _RESTLESS_S
            return restless and not is_being_written(path)
        whole = small or quiet_s >= OPEN_QUIET_S or path.is_symlink()
        return whole or not is_being_written(path)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file's stamp, since when it has it, and when the file was first seen; in seconds."""

    stamp: Stamp
    since_s: float
    first_s: float


def is_young(stamp: Stamp, now_ns: int) -> bool:
    """Whether a file was written just now, by the wall clock, or is from the future."""
    return now_ns - stamp.mtime_ns < _YOUNG_NS


def is_being_written(path: Path) -> bool:
    """Whether some program of this computer has the file open to write to.

    No, where that cannot be known: of files of other users', on file servers, and where it is not
    there.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return not _leased(descriptor)
        finally:
            os.close(descriptor)
    return False


def _leased(descriptor: int) -> bool:
    """Whether the kernel gives a lease on it, as it does while nobody writes; given back at once.

    Who opens the file in that instant waits for it. The kernel tells us by a signal that is ignored
    by default; by default it would send one that ends us. See fcntl(2), Leases.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno != errno.EAGAIN
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True
