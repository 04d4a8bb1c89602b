"""Whether what a job reads can be read, before anything is sent or any machine is started."""

from collections.abc import Iterable
from contextlib import suppress

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.needed import where
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.archived import archived_error
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.archive import unreadable

__all__ = ["require_restored"]


def require_restored(store: Store, project: Project, cache: Cache, needs: Iterable[Need]) -> None:
    """See to it that the needs whose bytes the store has are not archived.

    One request where nothing ever was. A file that is here and has changed is sent anew.

    Raises:
        ArchivedError: Some are.
    """
    if store.classes is None:
        return
    paths = [need.path for need in needs if not need.stub and not need.target]
    known = cache.entries(project.name, paths).values()
    asked = [entry for entry in known if not _is_changed(project, entry)]
    if found := unreadable(store, project.name, asked):
        raise archived_error([entry.path for entry, _ in found])


def _is_changed(project: Project, entry: Entry) -> bool:
    with suppress(OSError):
        found = where(project.folder, entry.path).stat()
        return (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns)
    return False
