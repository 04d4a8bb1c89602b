"""How a job is told to stop, from the computer that brings it home or from another."""

from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import spool_of, wake
from cryoem_cloud.model.control import Control

__all__ = ["ask_to_stop"]


def ask_to_stop(card: Card) -> str:
    """See to it that a job ends, and say how it is seen to; one that has ended is left alone."""
    if not card.open:
        return f"job {card.number} has ended already"
    spool = spool_of(places())
    if spool.holds(card.slip_name):
        spool.ask_stop(card.slip_name)
        wake(places())
    else:
        records_of(card).ask(Control.STOP)
    return f"job {card.number} is told to stop"
