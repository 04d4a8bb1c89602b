"""What the user and the front end want of a job while it runs."""

from dataclasses import dataclass, field

from cryoem_cloud.courier.desk import CardDesk
from cryoem_cloud.courier.home import DroppedError, Home
from cryoem_cloud.courier.spool import Spool
from cryoem_cloud.model.control import Control
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Listening"]


@dataclass
class Listening:
    """Passes on each wish once. `slip` is the name of the job's slip in the spool."""

    slip: str
    spool: Spool
    records: JobRecords
    desk: CardDesk
    asked: set[Control] = field(default_factory=set)

    def listen(self, home: Home) -> None:
        """Look for wishes in the job's folder and in the spool, and pass them on.

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

    def ask(self, wish: Control) -> None:
        """Tell the machines of a wish, unless they have been told."""
        if wish not in self.asked:
            self.records.ask(wish)
            self.asked.add(wish)
            self.desk.note("told to stop")
