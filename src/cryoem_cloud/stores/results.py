"""What a job has made, as the turn that ended it promised."""

from cryoem_cloud.model.digest import is_digest_of
from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.record import text
from cryoem_cloud.model.turn import Turn
from cryoem_cloud.stores.index import entries_from_bytes
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["results"]


def results(records: JobRecords, ending: Turn) -> tuple[Entry, ...]:
    """The outputs that the turn which ended a task made.

    Raises:
        CorruptObjectError: The list is not the one that the machine promised.
    """
    if "manifest" not in ending.detail:
        return ()
    key = f"{records.project}/{text(ending.detail, 'manifest')}"
    data = records.store.get(key)
    if not is_digest_of(text(ending.detail, "digest"), data):
        raise CorruptObjectError(f"{key} is not what the machine promised")
    return entries_from_bytes(data)
