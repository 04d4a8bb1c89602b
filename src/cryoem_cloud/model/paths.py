"""Paths inside a project, and the keys that stand for them in a store.

A *path* is relative to the project, POSIX, normalised, as Python's text (bytes that are not UTF-8
are surrogates, as `os.fsdecode` gives them). A file outside the project has a path that starts
with `@abs/`. A *key* is what a store is asked for. Keys are made from paths by one rule that never
changes, but the index says which key holds a path: nobody turns a key back into a path.
"""

import hashlib
import posixpath
import re

from cryoem_cloud.model.errors import RefusedError

__all__ = [
    "HOME_ROOT",
    "LONG",
    "OUTSIDE",
    "STAGED_OUTSIDE",
    "escaped",
    "is_below",
    "label_of",
    "normal",
    "version_key",
]

OUTSIDE = "@abs/"
"""What paths of files outside the project start with."""

STAGED_OUTSIDE = ".cryoem-abs/"
"""Where a machine has them, relative to its copy of the project."""

HOME_ROOT = "@project/"
"""What targets of links start with that point into the project by its absolute path."""

LONG = "@long/"
"""What keys start with, below their folder, that are a digest and cannot be read."""

LONGEST_SEGMENT = 200
"""Bytes; file systems allow 255, and a version suffix must fit."""
LONGEST_KEY = 700
"""Bytes; S3 allows 1,024 for the whole key, with prefix and project."""

_UNSAFE = re.compile(rb"[^A-Za-z0-9_.+=,\x80-\xff-]")


def normal(path: str) -> str:
    """`path` without `.`, doubled or trailing slashes.

    Raises:
        RefusedError: It is absolute, empty, or leaves the project.
    """
    tidy = posixpath.normpath(path) if path else ""
    if not path or "\0" in path or tidy.startswith(("/", "../")) or tidy == "..":
        raise RefusedError(f"{path!r} is not a path inside the project")
    return tidy


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it; the folder `.` holds everything."""
    folder = folder.rstrip("/")
    return folder in {".", ""} or path == folder or path.startswith(folder + "/")


def escaped(path: str) -> str:
    """The key part for `path`: readable, safe in every store, and different for different paths.

    Letters, digits, `-_.+=,` and UTF-8 beyond ASCII stay; every other byte is `%XX`. Paths too
    long for a file system or for S3 become `@long/` and a digest.
    """
    segments = [_segment(part) for part in path.removeprefix(OUTSIDE).split("/")]
    key = "/".join(segments)
    if path.startswith(OUTSIDE):
        key = OUTSIDE + key
    too_long = any(len(part.encode()) > LONGEST_SEGMENT for part in segments)
    if too_long or len(key.encode()) > LONGEST_KEY:
        return LONG + hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
    return key


def version_key(key: str, digest: str) -> str:
    """The key of another version of the file that `key` holds already."""
    return f"{key}~{digest.partition(':')[2][:8]}"


def label_of(name: str) -> str:
    """A folder's name as part of a project's id: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32] or "project"


def _segment(part: str) -> str:
    raw = part.encode("utf-8", "surrogateescape")
    if part in {".", ".."}:
        return "%2E" * len(part)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        safe = re.compile(rb"[^A-Za-z0-9_.+=,-]")
    else:
        safe = _UNSAFE
    return safe.sub(lambda byte: b"%%%02X" % byte.group()[0], raw).decode()
