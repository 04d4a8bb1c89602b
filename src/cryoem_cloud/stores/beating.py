"""Showing life: a thread that changes a beat object."""

import logging
import threading

from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.machine import HEARTBEAT_S
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Beating"]

_LOG = logging.getLogger(__name__)


class Beating:
    """Changes one beat of a job's until it is stopped; a machine's, or a courier's.

    It goes on while the store cannot be reached, so that the first success shows life at once.
    """

    def __init__(self, records: JobRecords, who: str) -> None:
        self._records = records
        self._who = who
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"beat of {who}", daemon=True)

    def start(self) -> None:
        """Write the first beat, then go on in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Write no beat any more."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        count = 0
        while True:
            count += 1
            try:
                self._records.put_beat(self._who, count)
            except CryoemError as error:
                _LOG.warning("no beat: %s", error)
            if self._stopped.wait(HEARTBEAT_S):
                return
