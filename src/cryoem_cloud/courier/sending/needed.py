"""What a job needs, as files of this computer."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from cryoem_cloud.model.errors import MissingInputError, RefusedError
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.paths import OUTSIDE

__all__ = ["require_file", "where", "without_doubles"]


def where(project: Path, path: str) -> Path:
    """Where a path lies on this computer."""
    return Path("/", path.removeprefix(OUTSIDE)) if path.startswith(OUTSIDE) else project / path


def without_doubles(needs: Iterable[Need]) -> tuple[Need, ...]:
    """Each path once, in the order of first mention; bytes win over a stub."""
    found: dict[str, Need] = {}
    for need in needs:
        known = found.get(need.path)
        if known is None or (known.stub and not need.stub):
            found[need.path] = need
    return tuple(found.values())


def require_file(need: Need, file: Path) -> None:
    """See to it that a need is a file or folder that its user can read.

    Raises:
        MissingInputError: It is not there.
        RefusedError: It cannot be read, or is a device, socket or pipe.
    """
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(need, file) from None
    except OSError as error:
        raise RefusedError(
            f"{need.path} cannot be read: {error.strerror}; {need.asked_by} asks for it"
        ) from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise RefusedError(f"{need.path} is a device, socket or pipe; {need.asked_by} asks for it")
    if not need.stub and not os.access(file, os.R_OK):
        raise RefusedError(
            f"{need.path} cannot be read by you; {need.asked_by} asks for it",
            hint="chmod u+r, or ask its owner; then submit again",
        )


def _missing(need: Need, file: Path) -> MissingInputError:
    """What to say of a file that is not there, a link that leads nowhere considered."""
    for place in (*reversed(file.parents), file):
        if place.is_symlink() and not place.exists():
            target = os.readlink(place)  # noqa: PTH115  (as the user wrote it)
            return MissingInputError(
                f"{need.path} does not exist, because {place} is a link to {target}, which is not "
                f"there; {need.asked_by} asks for it",
                hint="mount or make what the link leads to; then submit again",
            )
    return MissingInputError(
        f"{need.path} does not exist; {need.asked_by} asks for it",
        hint="make the file, or correct who asks for it; then submit again",
    )
