"""Files that a user names with --in: files, folders and patterns."""

import glob
import os
import posixpath
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cryoem_cloud.apps.bash import commands
from cryoem_cloud.model.errors import FormatError, MissingInputError, RefusedError
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.paths import normal

__all__ = ["files_below", "named_files", "spoken_files"]


def files_below(project: Path, folder: str) -> Iterator[str]:
    """The paths of all files in a folder of the project, in order, through links to folders too.

    A folder that links lead to a second time is entered once.

    Raises:
        RefusedError: A folder cannot be read.
    """
    entered: set[tuple[int, int]] = set()
    walk = os.walk(project / folder, followlinks=True, onerror=_refuse)
    for here, folders, files in walk:
        stat = Path(here).stat()
        if (stat.st_dev, stat.st_ino) in entered:
            folders.clear()
            continue
        entered.add((stat.st_dev, stat.st_ino))
        folders.sort()
        below = Path(here).relative_to(project)
        yield from (str(below / name) for name in sorted(files))


def _refuse(error: OSError) -> None:
    raise RefusedError(
        f"{os.fsdecode(error.filename)} cannot be read: {error.strerror}",
        hint="make it readable (chmod), or leave it out",
    ) from error


def named_files(project: Path, inputs: tuple[str, ...]) -> Iterator[Need]:
    """The files that `inputs` stand for. A pattern that is itself a file's name means that file.

    Raises:
        MissingInputError: Nothing lies there or matches.
        RefusedError: It leaves the project.
    """
    for named in inputs:
        path = normal(named)
        place = project / path
        if place.is_dir():
            found = list(files_below(project, path))
        elif os.path.lexists(place):
            found = [path]
        else:
            found = _matching(project, path)
            if not found:
                raise MissingInputError(
                    f"--in {named}: there is nothing of that name",
                    hint="paths are relative to the folder in which the command was given",
                )
        yield from (Need(path=file, asked_by=f"--in {named}") for file in found)


def spoken_files(project: Path, script: str, cwd: str) -> Iterator[Need]:
    """The files of the project that the words of a script's commands name, seen from `cwd`.

    The program itself often is one: `./my-program maps/half1.mrc`.
    """
    with suppress(FormatError):  # what bash may understand and we do not names nothing
        for command in commands(script):
            for word in (*command.words, *command.reads):
                path = posixpath.normpath(posixpath.join(cwd, word.text)) if word.text else ""
                if path and not path.startswith(("/", "../")) and _is_file(project / path):
                    yield Need(path=path, asked_by="the command")


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  (Path's fails on words too long for a name)


def _matching(project: Path, pattern: str) -> list[str]:
    matches = sorted(glob.glob(pattern, root_dir=project))  # noqa: PTH207  (relative, any text)
    found: list[str] = []
    for match in matches:
        below = (project / match).is_dir()
        found += files_below(project, match) if below else [match]
    return found
