"""Traces of a run that was killed: found by its tag file, and removed by the next run.

Namespaces and loop devices go with the processes that hold them; control groups, and processes
that are frozen, do not.
"""

import json
import os
from pathlib import Path
from typing import Any

from tests.ec2sim.cgroups import sweep

__all__ = ["TAGS", "drop", "mark", "reap"]

TAGS = Path("/run/ec2sim")


def mark(tag: str) -> None:
    """Have others know, from before anything is made, what this run makes and who it is."""
    TAGS.mkdir(parents=True, exist_ok=True)
    number = os.getpid()
    about = {"process": number, "started": _started(number)}
    beside = TAGS / f".{tag}.part"
    beside.write_text(json.dumps(about), encoding="utf-8")
    beside.replace(TAGS / tag)


def drop(tag: str) -> None:
    """Say that nothing of this run is left."""
    (TAGS / tag).unlink(missing_ok=True)


def reap() -> tuple[str, ...]:
    """The tags of runs that are over; whatever they had left has been removed."""
    over = [
        place.name
        for place in sorted(TAGS.glob("[!.]*"))
        if (about := _read(place)) is not None and not _alive(about)
    ]
    for tag in over:
        sweep(tag)
        drop(tag)
    return tuple(over)


def _read(place: Path) -> dict[str, Any] | None:
    try:
        about: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:  # its run ends, or another one reaps
        return None
    return about


def _alive(about: dict[str, Any]) -> bool:
    number = int(about["process"])
    return _started(number) is not None and _started(number) == about["started"]


def _started(number: int) -> str | None:
    """When a process was started, in the kernel's ticks; None if there is none."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()[19]
