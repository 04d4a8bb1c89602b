"""How RELION makes one file's name from another's, and where the files of a job lie."""

import posixpath
import re
from collections.abc import Iterable, Iterator

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.paths import OUTSIDE, normal
from cryoem_cloud.ports.view import View

__all__ = [
    "coordinate_file",
    "image_file",
    "image_files",
    "listed",
    "looked_up",
    "other_half",
    "outside_data",
    "placed",
    "siblings",
    "without_ending",
    "without_job",
]

_IN_STACK = re.compile(r"^\d+@")
_IN_JOB = re.compile(r"^.+?/job\d{3}[^/]*/(?P<rest>.*)$|^job\d{3}[^/]*/(?P<top>.*)$", re.DOTALL)
_SYSTEM = ("/dev/", "/proc/", "/sys/", "/usr/", "/bin/", "/sbin/", "/lib", "/etc/")
_PROGRAMS = (b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""How programs start: of Linux, scripts, and of macOS."""


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


def looked_up(named: str) -> str:
    """How a view is asked for a name that may be anything, or an absolute path."""
    return OUTSIDE + named.lstrip("/") if named.startswith("/") else named


def outside_data(text: str, view: View) -> bool:
    """Whether a word of an unknown program's command line is a data file outside the project.

    Programs and system files are the machine's own. A program is told by its first bytes: shares of
    other systems say of every file that it may be executed.
    """
    if not text.startswith("/") or text.startswith(_SYSTEM):
        return False
    path = OUTSIDE + text.lstrip("/")
    if view.kind(path) is not Kind.FILE:
        return False
    try:
        with view.open(path) as file:
            return not file.read(4).startswith(_PROGRAMS)
    except OSError:
        return True


def image_file(value: str) -> str:
    """The file in `000012@stack.mrcs`."""
    return _IN_STACK.sub("", value) if "@" in value else value


def image_files(words: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The places of words that name another file than the word before, each with the file."""
    last: bytes | None = None
    for place, word in enumerate(words):
        number, at, file = word.partition(b"@")
        name = file if at and number.isdigit() else word
        if name != last:
            last = name
            yield place, image_file(word.decode("utf-8", "surrogateescape"))


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
    return folder.rstrip("/") + "/" + without_ending(without_job(micrograph)) + suffix


def without_ending(path: str) -> str:
    """What stands before the last dot, wherever that is; all of it if there is none."""
    return path[: path.rfind(".")] if "." in path else path


def without_job(path: str) -> str:
    """What is left of a path behind the job's folder in it; all of it if there is none."""
    found = _IN_JOB.match(path)
    return (found["rest"] or found["top"] or "") if found else path
