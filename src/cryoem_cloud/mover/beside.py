"""Files that are written beside their names, and what is left of them by writers that were killed.

Who writes one for long holds its lock. So others tell it from one that nobody will rename.
"""

import fcntl
import os
import re
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["hold", "is_part", "part_of", "remove_left", "remove_parts"]

_PART, _PART_END = ".cryoem-", ".part"
_NAME = re.compile(r"\.cryoem-[0-9a-f]{16}\.part")
_GRACE_S = 60.0
"""For so long one may be without a lock: while it is made, and between its last byte and its name.
By the file server's clock and ours; of two that disagree nothing worse comes than a pull that ends
with an error, and can be repeated."""


def part_of(path: Path) -> Path:
    """A new name beside `path`, for what is to be renamed to it once it is whole."""
    return path.with_name(f"{_PART}{secrets.token_hex(8)}{_PART_END}")


def is_part(name: str) -> bool:
    """Whether a file of that name is one of ours that is not whole, or was not."""
    return name.startswith(_PART) and _NAME.fullmatch(name) is not None


def hold(descriptor: int) -> None:
    """Show, until it is closed, that somebody writes it; where the disk has locks."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def remove_parts(folder: Path) -> None:
    """Remove what writers that were killed left below `folder`; nobody may write there now."""
    for part in folder.rglob(f"{_PART}*{_PART_END}"):
        part.unlink(missing_ok=True)


def remove_left(folder: Path) -> None:
    """Remove what writers that were killed left in `folder`, if it is there; others may write."""
    with suppress(OSError):
        for name in filter(is_part, os.listdir(folder)):  # noqa: PTH208  (text, not paths)
            with suppress(OSError):
                _remove_if_left(folder / name)


def _remove_if_left(part: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and time.time() - found.st_ctime > _GRACE_S:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            part.unlink()
    finally:
        os.close(descriptor)
