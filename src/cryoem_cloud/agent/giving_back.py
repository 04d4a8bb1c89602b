"""How a turn ends on a machine that is being taken: what is whole is sent, and the task is free."""

import logging
import threading
from collections.abc import Callable

from cryoem_cloud.agent.condition import Ending
from cryoem_cloud.agent.send import Sender
from cryoem_cloud.agent.take import Taken
from cryoem_cloud.agent.vigil import insisting
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.turn import Deed

__all__ = ["give_back"]

_LOG = logging.getLogger(__name__)

_LAST_S = 10.0
"""Of a notice, for the release itself: without it others would wait a minute for our silence."""
_LEAST_S = 1.0


def give_back(taken: Taken, sender: Sender, ending: Ending, sleep: Callable[[float], None]) -> None:
    """Release the claim before the machine is taken, with all sent that can be until then.

    What would seal a checkpoint that may not be whole stays away. What could not be sent is not in
    the journal: who takes the task goes on from what is. A store that does not answer finds the
    claim where it was, and its holder dead.
    """

    def flush() -> None:
        insisting(lambda: sender.finish(seals=False), sleep)
        sender.say("goes on elsewhere")
        insisting(sender.step, sleep)

    flushing = threading.Thread(target=flush, name="flush", daemon=True)
    flushing.start()
    flushing.join(max(_LEAST_S, (ending.taken_in_s or 0.0) - _LAST_S))
    if flushing.is_alive():
        _LOG.warning("not all was sent before this machine is taken")
    try:
        taken.log.close(taken.claim, Deed.RELEASED, {"reason": ending.reason})
    except CryoemError as error:
        _LOG.warning("the task is not released: %s", error)
