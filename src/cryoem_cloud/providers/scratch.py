"""A machine's scratch disk, when nothing of it is needed any more."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

__all__ = ["remove_tree"]

_OURS = 0o700


def remove_tree(folder: Path) -> bool:
    """Remove a folder with all that programs left in it; whether nothing is there now.

    Folders that they took the right from to be written, or read, are given it back. Nobody may work
    in there any more.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        _open(folder)
        shutil.rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)


def _open(folder: Path) -> None:
    """Let folders be listed and emptied, each before what lies in it."""
    with suppress(OSError):
        folder.chmod(_OURS)
    for here, names, _ in os.walk(folder):
        for inside in (Path(here, name) for name in names):
            with suppress(OSError):
                if not inside.is_symlink():
                    inside.chmod(_OURS)
