"""What waited for the end of a job, where no machine has come to tell it."""

import logging

from cryoem_cloud.courier.homeward.home import Home
from cryoem_cloud.model.errors import (
    ApplicationError,
    CorruptObjectError,
    FormatError,
    ObjectMissingError,
)
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.task import MAIN
from cryoem_cloud.model.turn import Deed
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["bring_waited"]

_LOG = logging.getLogger(__name__)


def bring_waited(records: JobRecords, home: Home) -> None:
    """Bring home what the last machine told, as if it had told all: so the last iteration comes.

    What cannot be read is left.
    """
    if not home.job.wish.essential:
        return
    claims = [turn for turn in records.turns(MAIN).read() if turn.deed is Deed.CLAIM]
    if not claims:
        return
    told: dict[str, tuple[Entry, bytes | None]] = {}
    number = 1
    try:
        while page := records.page(claims[-1].holder, number):
            number += 1
            if (page.task, page.turn) == (MAIN, claims[-1].number):
                told |= {entry.path: (entry, None) for entry in page.files}
                told |= {entry.path: (entry, data) for entry, data in page.small}
        files = [entry for entry, data in told.values() if data is None]
        small = [(entry, data) for entry, data in told.values() if data is not None]
        home.place(files, small, ended=True)
    except (ApplicationError, CorruptObjectError, FormatError, ObjectMissingError) as error:
        _LOG.warning("some of job %d is left in the store: %s", records.number, error)
