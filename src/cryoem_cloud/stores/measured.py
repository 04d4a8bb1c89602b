"""What a project's finished jobs took, in its store beside what they cost: records written once."""

import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from cryoem_cloud.model.errors import FormatError, ObjectExistsError, ObjectMissingError
from cryoem_cloud.model.keys import measured_key, measured_prefix
from cryoem_cloud.model.measured import Measured
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.whole import reading

__all__ = ["measured_in", "put_measured"]

_LOG = logging.getLogger(__name__)

_AT_ONCE = 16
"""Records that are read at a time."""


def put_measured(store: Store, project: str, measured: Measured) -> None:
    """Record what a job took; the first word stands, of whichever courier it is."""
    key = measured_key(project, measured.job, measured.kind)
    with suppress(ObjectExistsError):
        store.put(key, measured.to_bytes(), if_absent=True)


def measured_in(
    store: Store, project: str, *, known: Collection[str] = ()
) -> dict[str, Measured | None]:
    """Those records that are not `known` yet, by key; a listing, and a request for each.

    None is one that cannot be read: a newer program wrote it, or a machine.
    """
    keys = [item.key for item in store.list(measured_prefix(project)) if item.key not in known]

    def read(key: str) -> Measured | None:
        try:
            with reading(key):
                return Measured.from_bytes(store.get(key))
        except (FormatError, ObjectMissingError) as error:
            _LOG.warning("left out of what jobs took: %s", error)
            return None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(keys, pool.map(read, keys), strict=True))
