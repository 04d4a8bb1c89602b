"""The middle of an errand: machines are kept, and what they make comes home, until it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cryoem_cloud.courier.homeward.carrier import Carrier
from cryoem_cloud.courier.homeward.delivery import Delivery
from cryoem_cloud.courier.homeward.follow import Follower
from cryoem_cloud.courier.homeward.home import Home
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.learning.outlook import Outlook, outlook_of
from cryoem_cloud.courier.listening import Listening
from cryoem_cloud.courier.machines.manning import Manning
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.money.ceiling import Ceiling
from cryoem_cloud.courier.piecework.pieces import PieceFollower
from cryoem_cloud.courier.piecework.underway import Underway
from cryoem_cloud.courier.stop import Stop
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.task import MAIN
from cryoem_cloud.model.turn import Turn
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Following"]

_LOOK_S = 0.5
"""Between looks at journals and at the front end's wishes."""


@dataclass(kw_only=True)
class Following:
    """Follows a job whose tasks are ready. `home_of` gives the job's place here, for these tasks.

    `stop_here` ends a job that was told to stop where nobody is there who could.
    """

    means: Means
    slip: Slip
    records: JobRecords
    desk: CardDesk
    delivery: Delivery
    listening: Listening
    ceiling: Ceiling
    underway: Underway
    carrier: Carrier
    home_of: Callable[..., Home]
    stop: Stop
    stop_here: Callable[[], None]
    _plan: str = ""
    """The lines of the plan that decided on machines, if one did."""

    def until_ended(self) -> Turn | None:
        """The turn that ended the task; None where the job is stopped, or we are to end."""
        tasks = tuple(self.records.all_tasks())
        home, log = self.home_of(*tasks), self.records.turns(MAIN)
        at_once = max(1, self.records.ready().of - 1)
        manning = Manning(
            self.means, self.slip, self.records, log, at_once, self.desk.note, self._ask
        )
        self._plan = manning.plan.text if manning.plan else ""
        outlook = outlook_of(self.means, self.slip, self.records, self.desk)
        pieces = self._piece_follower(outlook) if any(task.is_piece for task in tasks) else None
        if pieces is not None and manning.plan:
            work_s = manning.plan.work_s
            manning.wanted = partial(self.underway.wanted, work_s=work_s, follower=pieces)
        follower = Follower(
            records=self.records,
            log=log,
            home=pieces.at_home if pieces else lambda: home,
            cache=self.means.cache,
            task=MAIN,
            told=pieces.joining if pieces else partial(self.desk.phase, Phase.RUNNING),
            clock=self.means.clock,
            carrier=self.carrier,
            heard=outlook.hears if pieces is None else lambda _: None,
        )
        if self.desk.card.phase is not Phase.RUNNING:
            self.desk.phase(Phase.STARTING)
        home.remove_parts()
        self._ask("")
        with self.carrier:
            ending = self._until_ended(home, follower, manning, pieces)
        if ending is not None:
            manning.note()
        return ending

    def _ask(self, question: str) -> None:
        """Put it, below the plan, where the job's lines will be, once a machine has the job."""
        text = self._plan + question
        if text and not self.desk.card.started_at:
            self.home_of().ask(text)

    def _until_ended(
        self, home: Home, follower: Follower, manning: Manning, pieces: PieceFollower | None
    ) -> Turn | None:
        while not self.means.stopping.is_set() and self.delivery.still_ours():
            if pieces is not None:
                self.underway.look(pieces)
            ending = follower.look()
            if ending is not None:
                return ending
            self.listening.listen(home)
            self._heed_budget()
            if not self.listening.asked:
                manning.keep()
            elif self.underway.sending or manning.deserted():
                self.stop_here()
                return None
            else:  # all answer, and a machine ends the job in order
                self.stop.answered()
            self.means.stopping.wait(_LOOK_S)
        return None

    def _heed_budget(self) -> None:
        """Have the job end in order where it runs and the project's hard budget is spent."""
        runs = self.desk.card.phase is Phase.RUNNING and not self.listening.asked
        if runs and (why := self.ceiling.reached()):
            self.listening.ask(Control.STOP, why)

    def _piece_follower(self, outlook: Outlook) -> PieceFollower:
        return PieceFollower(
            records=self.records,
            home=lambda tasks: self.home_of(*tasks),
            cache=self.means.cache,
            told=partial(self.desk.phase, Phase.RUNNING),
            clock=self.means.clock,
            carrier=self.carrier,
            head=self._plan,
            heard=outlook.hears,
        )
