"""What a machine may send home. A machine is not trusted: it may have been broken into."""

import posixpath
from fnmatch import fnmatchcase

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.paths import HOME_ROOT, is_below, normal

__all__ = ["LARGEST_BYTES", "admitted", "is_own"]

LARGEST_BYTES = 5 * 2**40
"""Of one file: S3's largest object."""


def is_own(path: str, job: Job, own: tuple[str, ...]) -> bool:
    """Whether the path, in one of the job's folders, is a file of the front end's own."""
    inside = [folder for folder in job.outputs if is_below(path, folder)]
    names = (posixpath.relpath(path, folder) for folder in inside)
    return any(fnmatchcase(name, pattern) for name in names for pattern in own)


def admitted(entry: Entry, job: Job, *, inputs: frozenset[str]) -> None:
    """See to it that an entry may be placed in the project; `inputs` are the job's, as paths.

    Raises:
        RefusedError: It lies outside the job's folders, has a name of ours, is too large, or is a
            link that leads outside the job's inputs and outputs.
    """
    if normal(entry.path) != entry.path:
        raise RefusedError(f"{entry.path!r} is not a plain path")
    folders = [folder for folder in job.outputs if is_below(entry.path, folder)]
    if not folders or entry.path in {folder.rstrip("/") for folder in job.outputs}:
        raise RefusedError(f"{entry.path!r} lies outside the job's folders")
    if any(part == ".cryoem" for part in entry.path.split("/")):
        raise RefusedError(f"{entry.path!r} is a name of ours")
    if entry.size > LARGEST_BYTES:
        raise RefusedError(f"{entry.path!r} says that it has {entry.size} bytes")
    if entry.kind is Kind.LINK:
        _lead_inside(entry, job, inputs)
    elif entry.kind not in {Kind.FILE, Kind.FOLDER}:
        raise RefusedError(f"{entry.path!r} is a {entry.kind.value}")
    if entry.content and entry.content.reference:
        raise RefusedError(f"{entry.path!r} names a file of this computer")


def _lead_inside(entry: Entry, job: Job, inputs: frozenset[str]) -> None:
    if entry.target.startswith(HOME_ROOT):
        target = entry.target.removeprefix(HOME_ROOT)
    else:
        target = posixpath.join(posixpath.dirname(entry.path), entry.target)
    target = posixpath.normpath(target)
    below = any(is_below(target, folder) for folder in job.outputs)
    if target.startswith(("/", "../")) or not (below or target in inputs):
        raise RefusedError(
            f"{entry.path!r} is a link to {entry.target!r}, no input or output of the job"
        )
