"""Whether a disk has room."""

import os
from pathlib import Path

from cryoem_cloud.model.errors import NoSpaceError
from cryoem_cloud.model.units import human_size

__all__ = ["require_space"]


def require_space(folder: Path, size: int, *, purpose: str) -> None:
    """See to it that `folder`'s disk has room for `size` bytes more.

    Raises:
        NoSpaceError: It has not; the message says how much is missing where.
    """
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < size:
        raise NoSpaceError(
            f"{purpose} needs {human_size(size)} in {folder}, where {human_size(free)} are free",
            hint="free some space there",
        )
