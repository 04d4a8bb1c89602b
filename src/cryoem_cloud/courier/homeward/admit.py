"""What a machine may send home. A machine is not trusted: it may have been broken into."""

import posixpath
from collections.abc import Container, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.journal import LogLines
from cryoem_cloud.model.links import leads_to
from cryoem_cloud.model.paths import is_below, normal
from cryoem_cloud.model.record import JSON, integer

__all__ = [
    "LARGEST_BYTES",
    "LARGEST_LOG_BYTES",
    "admitted",
    "admitted_lines",
    "admitted_sizes",
    "is_own",
    "timely",
]

LARGEST_BYTES = 5 * 2**40
"""Of one file: S3's largest object."""

LARGEST_LOG_BYTES = 64 * 2**30
"""Of what a job prints."""

_EARLIEST_NS, _LATEST_NS = -(2**63), 2**63 - 1
"""A file's time since 1970, as systems keep it: from the year 1677 to 2262."""


def is_own(path: str, job: Job, own: tuple[str, ...]) -> bool:
    """Whether the path, in one of the job's folders, is a file of the front end's own."""
    inside = [folder for folder in job.outputs if is_below(path, folder)]
    names = (posixpath.relpath(path, folder) for folder in inside)
    return any(fnmatchcase(name, pattern) for name in names for pattern in own)


def admitted(entry: Entry, job: Job, *, inputs: Container[str]) -> None:
    """See to it that an entry may be placed in the project; `inputs` are the names of the job's.

    Raises:
        RefusedError: It lies outside the job's folders, has a name of ours, is too large, or is a
            link that leads outside the job's inputs and outputs.
    """
    if normal(entry.path) != entry.path or not _can_be_named(entry.path):
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


def timely(entry: Entry) -> Entry:
    """The entry, with the nearest time that a file can have: a strange one harms no results."""
    return replace(entry, mtime_ns=min(max(entry.mtime_ns, _EARLIEST_NS), _LATEST_NS))


def admitted_lines(chunk: LogLines, job: Job) -> None:
    """See to it that log lines may be put in their place.

    Raises:
        RefusedError: They are of no log of the job's, or of an impossible place in it.
    """
    if chunk.log not in job.logs:
        raise RefusedError(f"the machine sent lines of a log {chunk.log!r}")
    if not 0 <= chunk.start <= LARGEST_LOG_BYTES - len(chunk.data):
        raise RefusedError(f"the machine sent lines for byte {chunk.start} of {chunk.log!r}")


def admitted_sizes(said: Mapping[str, JSON], job: Job) -> dict[str, int]:
    """How long each of the job's logs is, as the machine said when it ended.

    Raises:
        FormatError, RefusedError: It cannot be so long.
    """
    sizes = {name: integer(said, name, 0) for name in job.logs}
    if any(not 0 <= size <= LARGEST_LOG_BYTES for size in sizes.values()):
        raise RefusedError(f"the machine says that its logs have {sizes} bytes")
    return sizes


def _lead_inside(entry: Entry, job: Job, inputs: Container[str]) -> None:
    target = leads_to(entry)
    below = any(is_below(target, folder) for folder in job.outputs)
    if not target or not _can_be_named(target) or not (below or target in inputs):
        raise RefusedError(
            f"{entry.path!r} is a link to {entry.target!r}, no input or output of the job"
        )


def _can_be_named(path: str) -> bool:
    """Whether any file system could have it: some texts stand for no bytes."""
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return "\0" not in path
