"""Files that a user names with --in: files, folders and patterns."""

import posixpath
from collections.abc import Iterator
from contextlib import suppress

from cryoem_cloud.apps.bash import commands
from cryoem_cloud.apps.links import Links
from cryoem_cloud.apps.patterns import is_pattern, matching
from cryoem_cloud.model.errors import FormatError, MissingInputError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.paths import normal
from cryoem_cloud.ports.view import View

__all__ = ["files_below", "named_files", "spoken_files"]


def files_below(view: View, folder: str) -> Iterator[str]:
    """The paths of all files in a folder of the project, in order, through links to folders too.

    A folder that links lead to a second time is entered once. Links that lead nowhere count as
    files.

    Raises:
        RefusedError: A folder cannot be read.
    """
    links = Links(view)
    entered: set[str] = set()
    pending = [posixpath.normpath(folder)]
    while pending:
        here = pending.pop()
        place = links.real(here)
        if place in entered:
            continue
        entered.add(place)
        paths = [name if here == "." else f"{here}/{name}" for name in view.names(here)]
        folders = {path for path in paths if view.kind(path) is Kind.FOLDER}
        yield from (path for path in paths if path not in folders)
        pending += sorted(folders, reverse=True)


def named_files(view: View, inputs: tuple[str, ...]) -> Iterator[Need]:
    """The files that `inputs` stand for. A pattern that is itself a file's name means that file.

    A name without signs of a pattern is given even where nothing lies there.

    Raises:
        MissingInputError: Nothing matches.
        RefusedError: It leaves the project.
    """
    for named in inputs:
        path = normal(named)
        if view.kind(path) is Kind.FOLDER:
            found = list(files_below(view, path))
        elif not is_pattern(path) or view.kind(path) is Kind.FILE or view.link(path):
            found = [path]
        else:
            found = _matching(view, path)
            if not found:
                raise MissingInputError(
                    f"--in {named}: there is nothing of that name",
                    hint="paths are relative to the folder in which the command was given",
                )
        yield from (Need(path=file, asked_by=f"--in {named}") for file in found)


def spoken_files(view: View, script: str, cwd: str) -> Iterator[Need]:
    """The files of the project that the words of a script's commands name, seen from `cwd`.

    The program itself often is one: `./my-program maps/half1.mrc`.
    """
    with suppress(FormatError):  # what bash may understand and we do not names nothing
        for command in commands(script):
            for word in (*command.words, *command.reads):
                path = posixpath.normpath(posixpath.join(cwd, word.text)) if word.text else ""
                outside = path.startswith(("/", "../"))
                if path and not outside and view.kind(path) is Kind.FILE:
                    yield Need(path=path, asked_by="the command")


def _matching(view: View, pattern: str) -> list[str]:
    found: list[str] = []
    for match in matching(view, pattern):
        below = view.kind(match) is Kind.FOLDER
        found += files_below(view, match) if below else [match]
    return found
