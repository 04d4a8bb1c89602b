"""The folders of a directory store: what lies in them, and which are in the way, or empty."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cryoem_cloud.model.errors import KeyClashError
from cryoem_cloud.ports.store import Listed
from cryoem_cloud.stores.exclusive import BESIDE

__all__ = ["in_the_way", "remove_empty", "scan", "walk"]


def in_the_way(path: Path, root: Path) -> bool:
    """Whether an empty folder was in the way, and is gone now; False for an object.

    Raises:
        KeyClashError: A directory cannot hold both this key and one that is there.
    """
    if path.is_dir():
        with suppress(OSError):
            path.rmdir()
            return True
        raise KeyClashError(f"{path} is a folder of the store and cannot be an object too")
    for folder in path.parents:
        if folder.is_file():
            raise KeyClashError(f"{folder} is an object of the store and cannot be a folder too")
        if folder == root:
            break
    return not path.exists()


def remove_empty(folder: Path, root: Path) -> None:
    """Remove it, and those above it up to the root, where nothing is in them."""
    with suppress(OSError):  # not empty, or somebody was faster: both are fine
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def scan(root: Path, folder: str) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder of the store and is part of it."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(root / folder) as it:
        yield from (item for item in it if not item.name.startswith(BESIDE))


def walk(root: Path, folder: str) -> Iterator[Listed]:
    """The objects below a folder of the store, in no order."""
    stem = f"{folder}/" if folder else ""
    for item in scan(root, folder):
        if item.is_dir(follow_symlinks=False):
            yield from walk(root, f"{stem}{item.name}")
        else:
            with suppress(FileNotFoundError):
                yield Listed(stem + item.name, item.stat().st_size)
