"""Two runs of one job of RELION, held against each other."""

import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["COMPARED", "differences"]

COMPARED = frozenset({".star", ".mrc", ".mrcs", ".ctf", ".txt", ".bild", ".xml"})
"""What must be the same. Pictures and logs have times and absolute paths in them."""

_OURS_ALONE = frozenset({"RELION_JOB_EXIT_SUCCESS"})
_RECORDS = frozenset(
    {"default_pipeline.star", "job.star", "job_pipeline.star", "note.txt", "run_submit.script"}
)
"""What RELION itself writes on the user's computer."""

_IMAGES = frozenset({".mrc", ".mrcs", ".ctf"})
_HEADER_BYTES = 1024
"""The header of an MRC file; RELION and mrcfile write the time into its labels."""

_UNSET = b"_rlnSgdSubsetSize "
"""RELION 3.1.3 writes this value into run_it000_optimiser.star before it has given it one."""


def differences(ours: Path, direct: Path, *, by_chance: bool = False) -> list[str]:
    """What is not the same in two folders of a job: names of files, kinds, contents, and links.

    Of a program whose results are `by_chance`, sizes count in place of contents.
    """
    mine, other = _names(ours), _names(direct)
    found = [f"only through us: {name}" for name in sorted(mine - other - _OURS_ALONE)]
    found += [f"only directly: {name}" for name in sorted(other - mine)]
    compared = _size if by_chance else _contents
    return found + [
        name for name in sorted(mine & other) if not _same(ours / name, direct / name, compared)
    ]


def _names(folder: Path) -> set[str]:
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(path.relative_to(folder)) for path in paths if path.name not in _RECORDS}


def _same(ours: Path, direct: Path, compared: Callable[[Path], object]) -> bool:
    if ours.is_symlink() or direct.is_symlink():
        return ours.is_symlink() and direct.is_symlink() and _leads(ours) == _leads(direct)
    if ours.suffix not in COMPARED:
        return True
    return compared(ours) == compared(direct)


def _size(path: Path) -> int:
    return path.stat().st_size


def _contents(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix in _IMAGES:
        return data[_HEADER_BYTES:]
    if path.name.endswith("_it000_optimiser.star"):
        return b"\n".join(line for line in data.split(b"\n") if not line.startswith(_UNSET))
    return data


def _leads(link: Path) -> str:
    """Where a link leads, seen from its own folder: RELION's are absolute."""
    return os.path.relpath(os.path.realpath(link), os.path.realpath(link.parent))
