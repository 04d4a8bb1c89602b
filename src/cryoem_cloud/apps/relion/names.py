"""How RELION makes one file's name from another's, and where the files of a job lie."""

import os
import posixpath
import re
from pathlib import Path

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.paths import OUTSIDE, normal

__all__ = [
    "coordinate_file",
    "image_file",
    "is_pattern",
    "listed",
    "on_disk",
    "other_half",
    "outside_data",
    "placed",
    "siblings",
]

_IN_STACK = re.compile(r"^\d+@")
_IN_JOB = re.compile(r"^.+?/job\d{3}[^/]*/(?P<rest>.*)$|^job\d{3}[^/]*/(?P<top>.*)$", re.DOTALL)
_SYSTEM = ("/dev/", "/proc/", "/sys/", "/usr/", "/bin/", "/sbin/", "/lib", "/etc/")


def placed(named: str, asker: str) -> str:
    """The path of a file that a command line names: inside the project, or `@abs/…`.

    Raises:
        RefusedError: The name leaves the project, or is of a form that we do not follow.
    """
    if named.startswith("/") and "\0" not in named:
        return OUTSIDE + posixpath.normpath(named).lstrip("/")
    if named.startswith(("~", OUTSIDE)):
        raise RefusedError(
            f"{asker} asks for {named}, which is not a path in the project",
            hint="name it relative to the project, or by its absolute path",
        )
    try:
        return normal(named)
    except RefusedError as error:
        raise RefusedError(
            f"{asker} asks for {named!r}, which lies outside the project",
            hint="link the folder into the project (ln -s) and use that name",
        ) from error


def listed(named: str, asker: str) -> str:
    """The path of a file that a STAR file names. Lists are not rewritten, so it must be inside.

    Raises:
        RefusedError: It is absolute, or goes through `..`.
    """
    if named.startswith("/") or ".." in named.split("/"):
        raise RefusedError(
            f"{asker} asks for {named}, which a machine elsewhere cannot have under that name",
            hint="link the folder into the project (ln -s) and import it by the link's name",
        )
    return placed(named, asker)


def on_disk(project: Path, path: str) -> Path:
    """Where on this computer a path lies."""
    if path.startswith(OUTSIDE):
        return Path("/" + path.removeprefix(OUTSIDE))
    return project / path


def outside_data(text: str) -> bool:
    """Whether a word of an unknown program's command line is a data file outside the project.

    Programs and system files are the machine's own.
    """
    if not text.startswith("/") or "\0" in text or text.startswith(_SYSTEM):
        return False
    return os.path.isfile(text) and not os.access(text, os.X_OK)  # noqa: PTH113  (any text)


def image_file(value: str) -> str:
    """The file in `000012@stack.mrcs`."""
    return _IN_STACK.sub("", value) if "@" in value else value


def is_pattern(text: str) -> bool:
    """Whether the text has glob signs."""
    return any(sign in text for sign in "*?[")


def siblings(path: str) -> tuple[str, ...]:
    """Files that hold an image together with this one (IMAGIC's header and data)."""
    root, extension = posixpath.splitext(path)
    return {".hed": (root + ".img",), ".img": (root + ".hed",)}.get(extension, ())


def other_half(path: str) -> str:
    """The other half map's file; "" where the name does not say which half it is."""
    folder, name = posixpath.split(path)
    if "half1" in name:
        return posixpath.join(folder, name.replace("half1", "half2"))
    if "half2" in name:
        return posixpath.join(folder, name.replace("half2", "half1"))
    return ""


def coordinate_file(micrograph: str, folder: str, suffix: str) -> str:
    """Where Extract looks for a micrograph's coordinates, as RELION computes it.

    The job's folder is taken off the micrograph's name, the rest is looked for in `folder`.
    """
    found = _IN_JOB.match(micrograph)
    rest = (found["rest"] or found["top"] or "") if found else micrograph
    root = rest[: rest.rfind(".")] if "." in rest else rest
    return folder.rstrip("/") + "/" + root + suffix
