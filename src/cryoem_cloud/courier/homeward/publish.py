"""Makes a job's outputs the project's own, where the machine did not get there."""

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.model.record import text
from cryoem_cloud.model.turn import Turn
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["publish"]


def publish(records: JobRecords, cache: Cache, ending: Turn) -> None:
    """See to it that the index names what the turn made that ended a task; again is the same."""
    name, key = records.project, text(ending.detail, "manifest")
    index = IndexLog(records.store, name)
    cache.refresh(index, name)
    if not cache.has_origin(name, key):
        digest = text(ending.detail, "digest")
        index.append_manifest(key, key, digest, after=cache.last_read(name))
        cache.refresh(index, name)
