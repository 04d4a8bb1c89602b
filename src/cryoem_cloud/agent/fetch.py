"""Lays out what a task may see: the project's layout, with nothing in it but the task's inputs."""

from pathlib import Path

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.paths import OUTSIDE, STAGED_OUTSIDE, normal
from cryoem_cloud.model.task import Task
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.mover.space import require_space
from cryoem_cloud.ports.store import Store

__all__ = ["lay_out", "staged"]

_STREAMS = 8


def staged(path: str) -> str:
    """Where a machine has a path of the project, relative to its copy of the project."""
    if path.startswith(OUTSIDE):
        return STAGED_OUTSIDE + normal(path.removeprefix(OUTSIDE))
    return normal(path)


def lay_out(
    task: Task,
    *,
    store: Store,
    project: str,
    root: Path,
    outputs: tuple[str, ...],
) -> None:
    """Make `root` the task's copy of the project: inputs, stubs, and folders for outputs.

    Raises:
        NoSpaceError: The disk has no room for the inputs.
        RefusedError: An input's path leaves the project.
        What fetch_files raises.
    """
    root.mkdir(parents=True, exist_ok=True)
    files = [entry for entry in task.inputs if entry.kind is Kind.FILE]
    require_space(root, sum(entry.size for entry in files), purpose="fetching the inputs")
    for output in outputs:
        (root / normal(output)).mkdir(parents=True, exist_ok=True)
    for entry in task.inputs:
        if entry.kind is not Kind.FILE:
            _make(entry, root / staged(entry.path))
    wanted = [(entry, root / staged(entry.path)) for entry in files]
    fetch_files(store, project, wanted, streams=_STREAMS)


def _make(entry: Entry, path: Path) -> None:
    if entry.kind is Kind.FOLDER:
        path.mkdir(parents=True, exist_ok=True)
    elif entry.kind is Kind.STUB:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    else:
        raise RefusedError(f"{entry.path} is no input but a {entry.kind.value}")
