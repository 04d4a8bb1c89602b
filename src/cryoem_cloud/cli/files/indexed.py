"""What the index says of a project's files, and how that stands to what is here."""

import posixpath
from collections.abc import Sequence

from cryoem_cloud.courier.homeward.ways import leading, require_way
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.paths import OUTSIDE, is_below, normal
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.beside import is_part
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.words import IndexWords
from cryoem_cloud.wiring.stores import store_at

__all__ = ["differs", "entries", "placeable", "require_placing"]


def entries(project: Project) -> dict[str, Entry]:
    """The last word on each path that is there, by path; reads the whole index."""
    words = IndexWords(IndexLog(store_at(project.store), project.name))
    words.read_on()
    return words.entries


def placeable(entry: Entry) -> bool:
    """Whether it is a file that belongs into the project's folder.

    Raises:
        RefusedError: It is one that nobody should place: machines write the index, and are not
            trusted.
    """
    if entry.kind is not Kind.FILE or entry.path.startswith(OUTSIDE):
        return False
    if is_part(posixpath.basename(entry.path)):  # earlier versions sent them
        return False
    if normal(entry.path) != entry.path or ".cryoem" in entry.path.split("/"):
        raise RefusedError(f"{entry.path!r} in the index is no file of a project's")
    if entry.content and entry.content.reference:
        raise RefusedError(f"{entry.path!r} in the index names a file of this computer")
    return True


def require_placing(project: Project, path: str, outputs: Sequence[str]) -> None:
    """See to it that writing to the path follows no link.

    `outputs` are folders of the project's jobs: a link of the user's at or above one is followed.

    Raises:
        RefusedError: It would follow one.
    """
    for folder in leading(path):
        leads = any(is_below(output, folder) for output in outputs)
        if (project.folder / folder).is_symlink() and not leads:
            raise RefusedError(
                f"{path!r} would be written through the link {folder}",
                hint=f"a folder in the place of {folder} can be written to",
            )
    require_way(project.folder, path, outputs)


def differs(project: Project, entry: Entry) -> bool:
    """Whether the path is here, and is not as the store has it, by size and time."""
    path = project.folder / entry.path
    if path.is_symlink() or not path.exists():
        return path.is_symlink()
    found = path.stat()
    return (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns)
