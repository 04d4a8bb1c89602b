"""The wish to end a job: whether somebody has it, and what it waits for in vain."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cryoem_cloud.courier.homeward.home import Home
from cryoem_cloud.courier.known.spool import Spool
from cryoem_cloud.courier.listening import Listening
from cryoem_cloud.courier.machines.giving_up import STOP_S
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.errors import CryoemError

__all__ = ["Stop"]


@dataclass
class Stop:
    """Of one job. `slip` is the name of its slip in the spool, `home` gives its place here.

    Once it is `in_vain`, the job ends without what it waits for.
    """

    slip: str
    spool: Spool
    listening: Listening
    home: Callable[[], Home]
    in_vain: bool = False
    _seen_s: float | None = None

    def wanted(self) -> bool:
        """Whether somebody wants the job to end; looks at the job's folder too."""
        home = self.home()
        home.look()
        return self.spool.stop_asked(self.slip) or home.abort_requested()

    def why(self) -> str:
        """The reason that is kept of it."""
        return self.listening.records.asked_why() or "stopped on request"

    def heed(self) -> bool:
        """If the user asks, stop a job that waits for something, after a while without it."""
        if not self.spool.stop_asked(self.slip):
            return False
        with suppress(CryoemError):
            self.listening.ask(Control.STOP)
        now_s = self.listening.clock.monotonic()
        self._seen_s = now_s if self._seen_s is None else self._seen_s
        self.in_vain = now_s - self._seen_s >= STOP_S
        return True

    def answered(self) -> None:
        """Hear that machines do, so that the job ends in order."""
        self._seen_s = None
