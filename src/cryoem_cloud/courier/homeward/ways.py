"""Links on the way to a job's files: the user's own are followed, what a machine made is not.

Big job folders often lie on another disk, behind a link at or above them. What a machine sends lies
below its job's folders, so a link at or above one is nobody's but who works on this computer.
"""

import os
from collections.abc import Container, Sequence
from pathlib import Path, PurePosixPath

from cryoem_cloud.model.errors import ProjectGoneError, RefusedError
from cryoem_cloud.model.paths import is_below

__all__ = ["inside", "leading", "require_places", "require_there", "require_way"]


def leading(path: str) -> tuple[str, ...]:
    """The folders of the project that lead to a path, the outermost first."""
    return tuple(map(str, reversed(PurePosixPath(path).parents)))[1:]


def inside(path: str, outputs: Sequence[str]) -> tuple[str, ...]:
    """Those of them that lie below one of the job's folders `outputs`: a machine may make them."""
    return tuple(
        folder
        for folder in leading(path)
        if any(folder != output and is_below(folder, output) for output in outputs)
    )


def require_way(
    top: Path,
    path: str,
    outputs: Sequence[str],
    *,
    coming: Container[str] = (),
    known: Container[str] = (),
) -> None:
    """See to it that writing to the project's path follows no link but the user's own.

    `coming` are links that a machine sends now, `known` what the job has delivered: a link of these
    gives way to a folder.

    Raises:
        RefusedError: It would follow another; the message names it.
    """
    makeable = inside(path, outputs)
    for folder in leading(path):
        link = (top / folder).is_symlink()
        if folder in makeable:
            followed = folder in coming or (link and folder not in known)
        else:
            followed = link and not _ours(top / folder)
        if followed:
            raise RefusedError(f"{path!r} would be written through the link {folder}")


def require_places(top: Path, outputs: Sequence[str]) -> None:
    """See to it that a job's folders can be made: links that lead to them are ours, and lead there.

    Raises:
        RefusedError: One does not; the message names it.
    """
    for output in outputs:
        for folder in (*leading(output), output):
            place = top / folder
            if place.is_symlink() and not _ours(place):
                raise RefusedError(
                    f"{place} is a link that somebody else made, and nothing is written through it",
                    hint="if it is right, remove it and make it yourself (ln -s)",
                )
        if lost := _lost(top, output):
            raise RefusedError(f"{lost} is a link that leads nowhere", hint="mount its disk")


def require_there(top: Path, output: str) -> None:
    """See to it that the project is there, and what links at or above a job's folder lead to.

    Raises:
        ProjectGoneError: It is not, and may come back.
    """
    if not top.is_dir():
        raise ProjectGoneError(
            f"the project's folder {top} is not there; the job's results are kept",
            hint="moved? run any cryoem command where it is now",
        )
    if lost := _lost(top, output):
        raise ProjectGoneError(
            f"the link {lost} leads nowhere; the job's results are kept", hint="mount its disk"
        )


def _lost(top: Path, output: str) -> str:
    """The link at or above a job's folder that leads nowhere now; "" if there is none."""
    for folder in (*leading(output), output):
        if (top / folder).is_symlink() and not (top / folder).exists():
            return str(top / folder)
    return ""


def _ours(link: Path) -> bool:
    """Whether the user, or root, made the link."""
    return link.lstat().st_uid in {0, os.getuid()}
