"""What the index says of a project's files."""

from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.project import Project
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.wiring.front import store_at

__all__ = ["entries"]


def entries(project: Project) -> dict[str, Entry]:
    """The last word on each path, by path; reads the whole index."""
    found: dict[str, Entry] = {}
    for recorded in IndexLog(store_at(project.store), project.name).read():
        found.update((entry.path, entry) for entry in recorded.entries)
    return found
