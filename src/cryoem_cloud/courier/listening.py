"""What the user and the front end want of a job while it runs."""

from contextlib import suppress
from dataclasses import dataclass, field

from cryoem_cloud.courier.homeward.home import DroppedError, Home
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Spool
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Listening"]

_AFAR_S = 15.0
"""Between looks at the store for what was asked on another computer; a look is a request."""


@dataclass
class Listening:
    """Passes on each wish once. `slip` is the name of the job's slip in the spool.

    `asked` are the wishes that the job's machines were told of, also on another computer.
    """

    slip: str
    spool: Spool
    records: JobRecords
    desk: CardDesk
    clock: Clock
    asked: set[Control] = field(default_factory=set)
    _afar_due_s: float = float("-inf")

    def listen(self, home: Home) -> None:
        """Look for wishes in the job's folder and in the spool, and pass them on; hear of others'.

        Raises:
            DroppedError: The front end has given the job up.
        """
        home.look()
        if not self.desk.card.begun and home.runs():
            self.desk.begun()
        if unwanted := home.unwanted(begun=self.desk.card.begun):
            raise DroppedError(unwanted)
        if home.abort_requested():
            self.ask(Control.ABORT)
        if self.spool.stop_asked(self.slip):
            self.ask(Control.STOP)
        if not self.asked and (now_s := self.clock.monotonic()) >= self._afar_due_s:
            self._afar_due_s = now_s + _AFAR_S
            self._hear_from_afar()

    def _hear_from_afar(self) -> None:
        """Take up a wish that somebody has recorded elsewhere; silence while the store is away."""
        with suppress(CryoemError):
            if wish := self.records.asked(1):
                self.asked.add(wish)
                self.desk.note("told to stop")

    def ask(self, wish: Control, why: str = "") -> None:
        """Tell the machines of a wish, unless they have been told; `why`, if no user wants it."""
        if wish not in self.asked:
            self.records.ask(wish, why)
            self.asked.add(wish)
            self.desk.note(why or "told to stop")
