"""One job's way: from the slip in the spool to the marker at home.

Every step may be cut off at any instant and begun again: the store tells what has been done.
"""

import logging
from dataclasses import dataclass, field, replace

from cryoem_cloud.courier.athome import concluded, prepared
from cryoem_cloud.courier.chaining.later import BrokenChainError, stop_those_after
from cryoem_cloud.courier.engines import BothWays
from cryoem_cloud.courier.following import Following
from cryoem_cloud.courier.halting import Halting
from cryoem_cloud.courier.homeward.carrier import Carrier
from cryoem_cloud.courier.homeward.delivery import Delivery
from cryoem_cloud.courier.homeward.home import DroppedError, Home
from cryoem_cloud.courier.homeward.homecoming import Homecoming
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.learning.measuring import Measuring
from cryoem_cloud.courier.listening import Listening
from cryoem_cloud.courier.machines.giving_up import GivingUp
from cryoem_cloud.courier.machines.planning import Planning
from cryoem_cloud.courier.machines.sources import provider_of, shape_for
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.money.ceiling import Ceiling
from cryoem_cloud.courier.piecework.underway import Underway
from cryoem_cloud.courier.sending.inputs import Inputs
from cryoem_cloud.courier.stop import Stop
from cryoem_cloud.courier.waiting import WAIT_FOR
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.links import Named
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.task import MAIN, Task
from cryoem_cloud.model.turn import Standing, Turn, standing
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.projects import make_known

__all__ = ["Errand"]

_LOG = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 15.0


@dataclass
class Errand:
    """Brings one job to machines and home again. `run` returns once nothing is left to do."""

    slip: Slip
    means: Means
    desk: CardDesk
    records: JobRecords = field(init=False)
    delivery: Delivery = field(init=False)
    _listening: Listening = field(init=False)
    _stop: Stop = field(init=False)
    _ceiling: Ceiling = field(init=False)
    _engines: BothWays = field(init=False)
    """As the project's settings said when we began, or began again."""
    _trouble: Exit | None = None
    _dropped: str = ""
    _pause_s: float = _FIRST_PAUSE_S
    _refused: dict[str, None] = field(default_factory=dict)
    _underway: Underway = field(default_factory=Underway)
    _carrier: Carrier = field(default_factory=Carrier)

    def __post_init__(self) -> None:
        project, number = self.slip.project, self.slip.job.number
        self.records = JobRecords(self.means.store(project.store), project.name, number)
        self._engines = self.means.engines.of(Settings())
        self.delivery = Delivery(self.records, self.means.who, self.means.clock)
        self._listening = Listening(
            self.slip.name, self.means.spool, self.records, self.desk, self.means.clock
        )
        self._stop = Stop(self.slip.name, self.means.spool, self._listening, self._home)
        store = self.records.store
        self._ceiling = Ceiling(
            log=BudgetLog(store, project.name),
            ledger=Ledger(store, project.name),
            clock=self.means.clock,
        )

    def run(self) -> None:
        """Go the whole way, waiting where something has to be waited for."""
        try:
            # Without its slip it is done, by another courier maybe, or the user's state is gone.
            while not self.means.stopping.is_set() and self.means.spool.holds(self.slip.name):
                if self._try():
                    return
                self.means.stopping.wait(self._pause_s)
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        finally:
            self._underway.stop()
            self.delivery.rest()
            self._note_line()

    def _note_line(self) -> None:
        """Keep how fast what went to the store and came home was, for plans."""
        self.means.lines.note(
            self.slip.project.store,
            self.means.clock.now(),
            up=self._engines.sending.newly_measured(),
            down=self._engines.fetching.newly_measured(),
        )

    def _try(self) -> bool:
        """Whether all is done."""
        self._underway.stop()
        try:
            return self._go()
        except WAIT_FOR as error:
            _LOG.warning("job %d waits: %s", self.slip.job.number, error)
            self.desk.trouble(error)
            self._find_moved_project()
            if self._stop.heed():
                self._pause_s = _FIRST_PAUSE_S
        except DroppedError as error:
            self._dropped = str(error)
            self._pause_s = _FIRST_PAUSE_S
        except CryoemError as error:
            _LOG.error("job %d fails: %s", self.slip.job.number, error)
            self.desk.trouble(error)
            self._trouble = Exit(outcome=Outcome.FAILURE, code=error.exit_code, reason=str(error))
            self._pause_s = _FIRST_PAUSE_S
        return False

    def _go(self) -> bool:
        if self._stop.in_vain or self._dropped:
            ways = self._giving_up()
            return self._file_away(
                ways.abandon() if self._stop.in_vain else ways.drop(self._dropped)
            )
        self._engines = self.means.engines.of(self._settings())
        if not self._enter():
            return False
        over = self.delivery.over()
        if over is not None:
            return self._file_away(over)
        if (self._trouble is None and not self._ready()) or not self._ours():
            return False
        self._note_line()
        if self._trouble is None:
            ending = self._following().until_ended()
            return ending is not None and self._bring_home(ending)
        return self._file_away(self._giving_up().fail(self._trouble))

    def _enter(self) -> bool:
        """Make the job known to the store, and take up an earlier trouble; False: we are to end."""
        make_known(self.records.store, self.slip.project)
        end = self.records.end() if self._trouble is None else None
        if end and end.outcome is not Outcome.SUCCESS and not self._task_ended():
            self._trouble = end
        if self._trouble is None and not self._prepare():
            return False
        self.records.put_job(self.slip.job)
        return True

    def _prepare(self) -> bool:
        """Have the front end say what machines run; a stop before that is an end."""
        slip = prepared(self.slip, self.means, self.records, self.desk, stopped=self._stop.wanted)
        self.slip = slip or self.slip
        return slip is not None or self._stopped()

    def _task_ended(self) -> bool:
        log = self.records.turns(MAIN).read()
        return standing(log) in {Standing.DONE, Standing.FAILED}

    def _ready(self) -> bool:
        """Whether the tasks are ready; a stop, or a failure of a job before, is an end."""
        inputs = Inputs(
            means=self.means,
            slip=self.slip,
            records=self.records,
            application=self.means.application(self.slip.job.application),
            settings=self._settings(),
            shape=shape_for(self.means, self.slip),
            planning=self._planning(),
            engine=self._engines.sending,
            desk=self.desk,
            stopped=self._stop.wanted,
            halting=Halting(self._halted, self.means.clock),
            on_the_way=self._underway.send_on,
        )
        try:
            if inputs.make_ready():
                if slip := self.means.spool.slip(self.slip.name):
                    self.slip = replace(self.slip, here=slip.here)
                return True
        except BrokenChainError as error:
            self._trouble = Exit(outcome=Outcome.ABORTED, code=1, reason=str(error))
            return True
        return self._stopped()

    def _planning(self) -> Planning:
        return Planning(
            means=self.means,
            slip=self.slip,
            records=self.records,
            provider=provider_of(self.means, self.slip),
            settings=self._settings(),
        )

    def _settings(self) -> Settings:
        return self.means.settings(str(self.slip.project.folder))

    def _halted(self) -> bool:
        """Whether inputs are to be sent no more; in the background we stop it ourselves."""
        if self.means.stopping.is_set() or self._underway.halted:
            return True
        return not self._underway.sending and self._stop.wanted()

    def _stopped(self) -> bool:
        """Whether the user has stopped the job, which is its end then."""
        if self._stop.wanted():
            self._stop_here()
        return self._trouble is not None

    def _stop_here(self) -> None:
        self._trouble = Exit(outcome=Outcome.ABORTED, code=1, reason=self._stop.why())

    def _ours(self) -> bool:
        """Whether this courier brings the job home."""
        ours = self.delivery.ours()
        self.desk.brought_by(self.delivery.holder, ours=ours)
        return ours

    def _home(self, *tasks: Task) -> Home:
        return Home(
            store=self.records.store,
            project=self.slip.project,
            job=self.slip.job_here,
            application=self.means.application(self.slip.job.application),
            frontend=self.means.frontend(self.slip.job.frontend),
            cache=self.means.cache,
            inputs=Named(entry for task in tasks for entry in task.inputs),
            umask=self.slip.umask,
            moved=self.desk.down,
            refused=self._refused.setdefault,
            again=lambda: self.means.spool.submitted_again(self.slip),
            engine=self._engines.fetching,
        )

    def _following(self) -> Following:
        return Following(
            means=self.means,
            slip=self.slip,
            records=self.records,
            desk=self.desk,
            delivery=self.delivery,
            listening=self._listening,
            ceiling=self._ceiling,
            underway=self._underway,
            carrier=self._carrier,
            home_of=self._home,
            stop=self._stop,
            stop_here=self._stop_here,
        )

    def _bring_home(self, ending: Turn) -> bool:
        self.desk.phase(Phase.HOMECOMING)
        exit_ = Homecoming(
            slip=self.slip,
            means=self.means,
            records=self.records,
            delivery=self.delivery,
            home=self._home(*self.records.all_tasks()),
            refused=self._refused,
            measured=Measuring(means=self.means, slip=self.slip, records=self.records).note,
        ).bring(ending)
        return exit_ is not None and self._file_away(exit_)

    def _giving_up(self) -> GivingUp:
        return GivingUp(
            records=self.records,
            delivery=self.delivery,
            provider=provider_of(self.means, self.slip),
            home=self._home,
            conclude=lambda exit_: concluded(self.slip, self.means, exit_),
            desk=self.desk,
            clock=self.means.clock,
        )

    def _file_away(self, exit_: Exit) -> bool:
        if exit_.outcome is Outcome.SUCCESS:
            stop_those_after(self.slip, self.means.cards.all(), self.means.spool)
        self.desk.end(exit_)
        self.means.cache.forget_job(self.slip.project.name, self.slip.job.number)
        self.means.spool.take_out(self.slip.name)
        return True

    def _find_moved_project(self) -> None:
        """Take up the new folder that a command has noted on the slip."""
        slip = self.means.spool.slip(self.slip.name)
        if slip is not None and slip.project != self.slip.project:
            self.slip = slip
            self.desk.moved_to(slip.project.folder)
            self._pause_s = _FIRST_PAUSE_S
