"""Makes damaged slips anew from what the store knows of their jobs."""

import logging
from dataclasses import replace

from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.submit import mark_refused
from cryoem_cloud.model.errors import CryoemError, FormatError, ObjectMissingError
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.project import Project
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["mend"]

_LOG = logging.getLogger(__name__)


def mend(means: Means) -> None:
    """See to it that no slip is damaged: it is made anew, or its job has failed and says so.

    A slip waits as it is for whatever somebody or something else mends, such as a store that cannot
    be reached. The submitter's environment is lost with the old slip; it matters only where no
    machine has begun.
    """
    for name in means.spool.damaged():
        number = name.partition(".")[0]
        found = means.cards.of_number(int(number)) if number.isdigit() else ()
        card = next((card for card in found if card.slip_name == name and card.open), None)
        if card is None:
            _LOG.error("the slip %s is damaged and set aside; no card tells of its job", name)
            means.spool.set_aside(name)
            continue
        _mend(means, card)


def _mend(means: Means, card: Card) -> None:
    try:
        means.spool.add(_made_anew(means, card))
    except (ObjectMissingError, FormatError) as error:
        _fail(means, card, f"its slip was damaged, and the store cannot tell the job: {error}")
        means.spool.set_aside(card.slip_name)
    except (CryoemError, OSError) as error:
        _LOG.warning("the damaged slip of job %d waits: %s", card.number, error)
    else:
        _LOG.warning("the slip of job %d was damaged, and is made anew", card.number)


def _made_anew(means: Means, card: Card) -> Slip:
    job = JobRecords(means.store(card.store), card.project, card.number).job()
    out, err = card.log_starts
    return Slip(
        job=job,
        here=replace(job, folder_inode=0, log_starts={"out": out, "err": err}),
        project=Project(name=card.project, store=card.store, folder=card.folder),
    )


def _fail(means: Means, card: Card, reason: str) -> None:
    mark_refused(
        card.folder / card.outputs[0],
        means.frontend(card.frontend),
        top=card.folder,
        reason=reason,
    )
    exit_ = Exit(outcome=Outcome.FAILURE, code=1, reason=f"{reason}; submit it again")
    CardDesk(card, means.cards, means.clock).end(exit_)
