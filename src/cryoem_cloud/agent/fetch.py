"""Lays out what a task may see: the project's layout, with nothing in it but the task's inputs."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from cryoem_cloud.agent.ahead import Ahead
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.links import leads_to
from cryoem_cloud.model.paths import OUTSIDE, STAGED_OUTSIDE, normal
from cryoem_cloud.mover.engine import Engine
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
    inputs: Sequence[Entry],
    *,
    store: Store,
    project: str,
    root: Path,
    outputs: tuple[str, ...],
    ahead: Ahead | None = None,
    engine: Engine | None = None,
) -> None:
    """Make `root` a task's copy of the project: inputs, stubs, and folders for outputs.

    Links lead to other paths of the project, whether or not anything is there. What was fetched
    `ahead` is taken from there; `engine` moves the rest.

    Raises:
        NoSpaceError: The disk has no room for the inputs.
        RefusedError: An input's path leaves the project, lies behind a link, or is a link that
            leads out of it.
        What fetch_files raises.
    """
    root.mkdir(parents=True, exist_ok=True)
    files = [entry for entry in inputs if entry.kind is Kind.FILE]
    require_space(root, sum(entry.size for entry in files), purpose="fetching the inputs")
    _keep_out_of_links(inputs)
    for entry in inputs:
        if entry.kind is not Kind.FILE:
            _make(entry, root)
    for output in outputs:
        (root / normal(output)).resolve().mkdir(parents=True, exist_ok=True)
    wanted = [(entry, root / staged(entry.path)) for entry in files]
    if ahead is not None:
        wanted = [place for place in wanted if not _taken(ahead, *place)]
    fetch_files(store, project, wanted, streams=_STREAMS, engine=engine)


def _taken(ahead: Ahead, entry: Entry, path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    return ahead.take(entry, path)


def _keep_out_of_links(inputs: Iterable[Entry]) -> None:
    """See to it that no input is made through another one that is a link."""
    links = {staged(entry.path) for entry in inputs if entry.kind is Kind.LINK}
    for path in (staged(entry.path) for entry in inputs if links):
        through = next((up for up in map(str, PurePosixPath(path).parents) if up in links), "")
        if through:
            raise RefusedError(f"{path} would be written through the link {through}")


def _make(entry: Entry, root: Path) -> None:
    path = root / staged(entry.path)
    if entry.kind is Kind.FOLDER:
        path.mkdir(parents=True, exist_ok=True)
    elif entry.kind is Kind.STUB:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    elif entry.kind is Kind.LINK and (target := leads_to(entry)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(os.path.relpath(target, PurePosixPath(staged(entry.path)).parent))
    else:
        raise RefusedError(f"{entry.path} is no input but a {entry.kind.value} {entry.target}")
