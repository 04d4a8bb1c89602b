"""Whether a file is whole, or still being written: by how long it is quiet, and who has it open."""

import errno
import fcntl
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryoem_cloud.model.file import BLOCK_BYTES, Stamp

__all__ = ["OPEN_QUIET_S", "QUIET_S", "YOUNG_S", "Settling", "is_open_to_write", "may_be_written"]

QUIET_S = 1.0
"""A file that has not changed for so long is taken to be whole, unless it is open."""
OPEN_QUIET_S = 5.0
"""One that somebody has open to write to is, after so long: logs stay open, and are wanted."""
_RESTLESS_S = 3.0
"""A small file that changes for so long is sent as it is now and then, while nobody has it open."""
_LOG_S = 15.0
"""And so is one that stays open, as logs do; up to a block's size where it rests for a moment."""
YOUNG_S = 3.0
"""What was written so lately may be written on, where it cannot be known who has it open."""
_OPEN_YOUNG_S = 60.0
"""What is open and was written so lately is; what rests for longer is a log that stays open. What
is from a later future is by a clock that is wrong, and of no age."""


@dataclass(slots=True)
class Settling:
    """Watches files by their stamps, look after look; time is monotonic seconds.

    What is not seen in a look is forgotten with the next. Files up to `small_bytes` are whole once
    they are quiet, also while they are open; and now and then though they change all the time, as
    a table does that a program writes anew every second.
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
        known_s = now_s - seen.first_s
        if quiet_s < QUIET_S:
            whole = small and known_s >= _LOG_S
            return whole or (small and known_s >= _RESTLESS_S and not is_open_to_write(path))
        log = stamp.size <= BLOCK_BYTES and known_s >= _LOG_S
        whole = small or log or quiet_s >= OPEN_QUIET_S or path.is_symlink()
        return whole or not is_open_to_write(path)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file's stamp, since when it has it, and when the file was first seen; in seconds."""

    stamp: Stamp
    since_s: float
    first_s: float


def may_be_written(path: Path, stamp: Stamp, now_ns: int) -> bool:
    """Whether a file that is seen once, with that stamp, is open to write to or may be.

    By the wall clock, as file servers' clocks differ by seconds at most or are wrong altogether.
    """
    age_s = (now_ns - stamp.mtime_ns) / 1e9
    if not -_OPEN_YOUNG_S < age_s < _OPEN_YOUNG_S:
        return False
    opened = is_open_to_write(path)
    return age_s < YOUNG_S if opened is None else opened


def is_open_to_write(path: Path) -> bool | None:
    """Whether some program has the file open to write to.

    None where that cannot be known: of other users' files, of what is not there, and off this
    computer's own disks, where another computer may write.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return _is_open(descriptor)
        finally:
            os.close(descriptor)
    return None


def _is_open(descriptor: int) -> bool | None:
    """Whether the kernel refuses a lease on it, as it does while somebody may write.

    It is given back at once. Who opens the file in that instant waits for it; the kernel tells us
    by a signal that is ignored by default, and not by one that ends us. See fcntl(2), Leases.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False if _is_on_a_disk(os.fstat(descriptor).st_dev) else None


@cache
def _is_on_a_disk(device: int) -> bool:
    """Whether a file system of that number lies on a disk that this computer has alone."""
    return Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").exists()
