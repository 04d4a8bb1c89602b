"""The first half of an errand: a job's inputs into the store, and its tasks ready."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from cryoem_cloud.apps.printing import printed
from cryoem_cloud.courier.chaining.later import Later
from cryoem_cloud.courier.halting import HaltedError, Halting
from cryoem_cloud.courier.homeward.left import LeftInStore
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.logs import begin_behind
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.machines.planning import Planning
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.piecework.division import Divided, Division
from cryoem_cloud.courier.piecework.piecewise import Piecewise
from cryoem_cloud.courier.sending.ahead import Ahead
from cryoem_cloud.courier.sending.archived import require_restored
from cryoem_cloud.courier.sending.asking import Asking
from cryoem_cloud.courier.sending.before import Before, told_by
from cryoem_cloud.courier.sending.executables import Arranged, arranged
from cryoem_cloud.courier.sending.offers import passed_on
from cryoem_cloud.courier.sending.sender import Sender
from cryoem_cloud.courier.sending.view import ProjectView
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.errors import FormatError, MissingInputError, ProjectGoneError
from cryoem_cloud.model.job import Job, Need
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.task import MAIN, Ready, Task, on_one_machine
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.planner.decide import fixed_count
from cryoem_cloud.ports.application import Application, Shape
from cryoem_cloud.ports.view import View
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.made import made_by
from cryoem_cloud.stores.nexts import Next

__all__ = ["Inputs"]

_LOOK_S = 1.0


class OnTheWay(Protocol):
    """Gets a job in pieces, and the steps that send the rest of them.

    `slow` says that sending takes so long that machines had better begin before it is over.
    """

    def __call__(self, pieces: Piecewise, steps: Iterator[Ready], *, slow: bool) -> None:
        """Have the steps done, and return at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Makes a job ready for machines. `stopped` says whether the user wants it no more.

    `shape` is that of machines by the table, where `planning` decides on no others. `engine` moves
    the bytes. While bytes are sent, `halting` is asked.
    """

    means: Means
    slip: Slip
    records: JobRecords
    application: Application
    settings: Settings
    shape: Shape
    planning: Planning
    engine: Engine
    desk: CardDesk
    stopped: Callable[[], bool]
    halting: Halting
    on_the_way: OnTheWay

    def make_ready(self) -> bool:
        """Send inputs until there are tasks that are ready; False where that was stopped.

        A program that machines will lack is told before anything is waited for or sent.

        Raises:
            MissingInputError, RefusedError, FormatError: The job cannot run as it is.
            ProjectGoneError: The project's folder is not there.
            ArchivedError: What it reads must be restored first.
            BrokenChainError: A job that this one goes on after has not ended well.
        """
        with suppress(HaltedError):
            return self.records.ready().whole or self._make_ready()
        return False

    def _make_ready(self) -> bool:
        if not self.slip.project.folder.is_dir():
            raise ProjectGoneError(
                f"the project's folder {self.slip.project.folder} is not there",
                hint="moved? run any cryoem command where it is now",
            )
        self.desk.phase(Phase.LOOKING)
        others = self._others()
        if self.slip.job.after and not self._later(others).ours():
            return self.records.ready().whole
        view = Before(self._view(), told_by(self.records))
        needs = self._asking(self.slip.job, view).needs()
        if needs is None:
            return False
        store, cache = self.records.store, self.means.cache
        require_restored(store, self.slip.project, cache, needs)
        if not self.records.tasks(0):
            begin_behind(self.slip, self.means.spool, self.desk)
        plan = self.planning.chosen(view, lambda: self._sender().missing_bytes(needs))
        if plan:
            others = replace(others, shape=self.planning.shape(plan, others.shape))
        division = self._division(others.shape, plan)
        slow = self._sender().slow(needs)
        divided = division.divided(self._unresumed(view), slow=slow)
        said = plan.text if plan else ""
        if isinstance(divided, Divided):
            pieces = self._in_pieces(divided, needs, others, view, remark=said.rstrip("\n"))
            self.desk.phase(Phase.SENDING, f"the first of {len(pieces.sizes)} pieces")
            steps = pieces.send()
            next(steps)
            self.on_the_way(pieces, steps, slow=slow)
        else:
            self._send(
                (*needs, *others.needs),
                others.shape,
                view,
                remark=(said + on_one_machine(divided)).rstrip("\n"),
            )
        return True

    def _unresumed(self, view: View) -> View:
        """The view without what the job has made that this one resumes: pieces go on from that."""
        number = self.slip.job.resumes
        if not number:
            return view
        store, project = self.records.store, self.records.project
        return Before(view, made_by(JobRecords(store, project, number)).values())

    def _division(self, shape: Shape, plan: Chosen | None) -> Division:
        planned = plan.count if plan else 0
        return Division(
            job=self.slip.job,
            application=self.application,
            records=self.records,
            shape=shape,
            machines=fixed_count(self.slip.job.wish, self.settings.count)
            or planned
            or self.settings.count,
        )

    def _in_pieces(
        self,
        divided: Divided,
        needs: tuple[Need, ...],
        others: Arranged,
        view: View,
        *,
        remark: str,
    ) -> Piecewise:
        return Piecewise(
            job=self.slip.job,
            cut=divided.cut,
            sizes=divided.sizes,
            view=view,
            application=self.application,
            records=self.records,
            needs=(*needs, *others.needs),
            also=others.needs,
            sent=self._sender().sent_quietly,
            at_home=self._at_home(),
            adapted=lambda piece: self.application.adapted(piece, others.shape, view),
            clock=self.means.clock,
            remark=remark,
        )

    def _others(self) -> Arranged:
        """What the job calls that is not its application's, and where machines will have it."""
        return arranged(
            self.application.executables(self.slip.job, self.slip.environment),
            self.shape,
            project=self.slip.project.folder,
            chosen=self.settings.executables,
            env=self.slip.environment,
        )

    def _later(self, others: Arranged) -> Later:
        return Later(
            job=self.slip.job,
            records=self.records,
            who=self.means.who,
            card=self._card,
            ahead=lambda sources: self._ahead(sources, others),
            providers=self.means.providers(),
            desk=self.desk,
            clock=self.means.clock,
            stopped=self.stopped,
            rest=self.means.stopping.wait,
        )

    def _card(self, number: int) -> Card | None:
        found = self.means.cards.of_number(number)
        return next((card for card in found if card.project == self.slip.project.name), None)

    def _ahead(self, sources: frozenset[int], others: Arranged) -> Next | None:
        """Send what is needed apart from what the jobs of these numbers will make.

        None where that is not known before they have ended: a pattern is to match what they make,
        or the job writes where they do.
        """
        job = self.slip.job
        made = [out for c in self._cards() if c.number in sources for out in c.outputs]
        view = Ahead(self._view(), made)
        shared = any(is_below(a, b) or is_below(b, a) for a in job.outputs for b in made)
        if shared:
            return None
        asks = replace(job, inputs=tuple(p for p in job.inputs if not view.awaited(p)))
        try:
            needs = self._asking(asks, view, but=sources).needs()
        except (MissingInputError, FormatError):
            return None
        if needs is None:
            return None
        known = (need for need in needs if not view.awaited(need.path))
        slips = self.means.spool.slips()
        earlier = [
            s.job for s in slips if s.project.name == job.project and s.job.number in sources
        ]
        return Next(
            job=job.number,
            sources=tuple(sorted(sources)),
            script=self.application.adapted(job, others.shape, view),
            entries=self._sender().sent((*known, *others.needs)),
            offers=self._sender().sent(passed_on(earlier, self.means.application, view)),
        )

    def _view(self) -> View:
        store, project, cache = self.records.store, self.slip.project, self.means.cache
        cache.refresh(IndexLog(store, project.name), project.name)
        left = LeftInStore(store, project, cache, self.means.application)
        return ProjectView(store, project, cache, left)

    def _asking(self, job: Job, view: View, *, but: frozenset[int] = frozenset()) -> Asking:
        """How to ask for the job's needs; jobs whose numbers are in `but` are not waited for."""
        return Asking(
            application=self.application,
            job=job,
            view=view,
            cards=lambda: (card for card in self._cards() if card.number not in but),
            wait=self._wait,
        )

    def _send(self, needs: Sequence[Need], shape: Shape, view: View, *, remark: str) -> None:
        script = self.application.adapted(self.slip.job, shape, view)
        task = Task(
            name=MAIN,
            script=script,
            inputs=self._sender().sent(needs),
            remark=remark,
            at_home=self._at_home(),
        )
        self.records.put_tasks((task,))
        self.records.set_ready(Ready(1, 1))

    def _at_home(self) -> str:
        """The version of the application's programs here, where machines may have another one."""
        if self.shape.here:
            return ""
        return self.application.version(partial(printed, environment=self.slip.environment))

    def _sender(self) -> Sender:
        return Sender(
            records=self.records,
            project=self.slip.project,
            cache=self.means.cache,
            settings=self.settings,
            desk=self.desk,
            halting=self.halting,
            engine=self.engine,
        )

    def _cards(self) -> list[Card]:
        """Those of the project's jobs."""
        return [c for c in self.means.cards.all() if c.project == self.slip.project.name]

    def _wait(self, owners: tuple[Card, ...]) -> bool:
        """Wait a moment for jobs that are told, if any; False where the user stopped this one."""
        if owners:
            names = ", ".join(f"job {card.number} ({card.name})" for card in owners)
            self.desk.phase(Phase.WAITING, f"waits for {names}, whose folder it reads or writes")
            if self.means.stopping.wait(_LOOK_S):
                return False
        return not self.stopped()
