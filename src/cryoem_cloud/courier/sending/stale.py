"""Copies of what a project's index said of a file before it said something newer."""

from collections.abc import Iterable
from contextlib import suppress

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.tables import signs_of
from cryoem_cloud.courier.sending.needed import where
from cryoem_cloud.model.errors import RefusedError, SourceChangedError
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.push import digest_file
from cryoem_cloud.mover.stamp import stamp_of

__all__ = ["STALE", "stale_among"]

STALE = (
    "the store has a newer one (cryoem pull --force brings it; once you touch yours, it is sent)"
)


def stale_among(paths: Iterable[str], project: Project, cache: Cache) -> list[str]:
    """Those of the files that are, by size, time and digest, what the index said of them before.

    Somebody else has sent another one since: sent from here, such a file would undo that. One that
    somebody has put back on purpose has a time of its own, or gets it by `touch`.
    """
    older = cache.older(project.name, list(paths))
    return [path for path, words in older.items() if _is_one(path, words, project)]


def _is_one(path: str, words: list[tuple[int, int, str]], project: Project) -> bool:
    file = where(project.folder, path)
    with suppress(OSError, RefusedError, SourceChangedError):
        size, mtime_ns, _ = signs_of(stamp_of(file))
        digests = [digest for *found, digest in words if found == [size, mtime_ns]]
        if digests:
            digester = digest_file(file)[1]
            return any(map(digester.matches, digests))
    return False
