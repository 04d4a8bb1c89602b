"""Takes a turn: which task this machine works on next."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cryoem_cloud.agent.known import Known
from cryoem_cloud.agent.watch import Watch
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.task import Task
from cryoem_cloud.model.turn import FEWEST_ENDED, Deed, Standing, Turn, exit_of, standing
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["MOST_CLAIMS", "Idle", "Taken", "Taker"]

MOST_CLAIMS = 10
"""A task whose machines died so often is given up: it may be what kills them."""

_PROBES = 16
"""Tasks that are tried in a row."""
_PAGE = 1000
"""Turns that a store lists with one request; it tells of some hundred tasks at once."""
_FULL = 2
"""Pages of turns in a row without a free task, after which all are listed."""
_SURVEY_S = 15.0
"""Between listings, for a machine that has no work."""
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A task that is ours until we close the claim.

    For a task that joins, `pieces` are the others with the turns that ended them. With `given_up`
    the job has ended so already, and nothing is run. `lost` is the machine that was found dead with
    the task.
    """

    task: Task
    claim: Turn
    log: TurnLog
    pieces: tuple[tuple[Task, Turn], ...] = ()
    given_up: Exit | None = None
    lost: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """There is nothing to take now.

    `over` says that every task has ended, or one has failed; `needed` that a task may yet become
    free: its inputs are not there, or its holder has not been seen alive of late.
    """

    over: bool
    needed: bool


class Taker:
    """Looks for tasks of one job on behalf of one machine.

    It goes from a random task to the one after it, so that machines seldom meet; how many requests
    that takes for each task does not grow with their number.
    """

    def __init__(
        self, records: JobRecords, machine: str, *, clock: Clock, dice: random.Random
    ) -> None:
        self._known = Known(records)
        self._machine = machine
        self._clock = clock
        self._dice = dice
        self._at: int | None = None
        self._mine: int | None = None
        """Taken last; or its claim may be ours, as the store did not answer."""
        self._surveyed_s = float("-inf")
        self._stopping = False
        self._off_s: float | None = None
        self._watch = Watch(self._known, machine, clock=clock, ring=dice.random())

    def take(self, *, stopping: bool = False) -> Taken | Idle:
        """A task that is free, whose holder is dead, or that joins all others.

        Once a piece has failed, or with `stopping`, no piece is taken any more: when none is worked
        on, the task that joins them is, given up.
        """
        self._known.learn()
        self._stopping = stopping
        taken = self._last_again() or (
            self._giving_up() if self._off() else self._free() or self._joining() or self._orphan()
        )
        if taken is not None:
            return taken
        over = self._known.complete and len(self._known.endings) == len(self._known.tasks)
        over = over or (len(self._known.tasks) - 1 in self._known.endings and self._known.joins)
        return Idle(over=over, needed=not over and self._needed())

    def _off(self) -> bool:
        """Whether no piece is to be taken any more, of a job that has pieces."""
        return (self._stopping or self.failed) and self._known.pieces > 0

    @property
    def failed(self) -> bool:
        """Whether a task is known to have failed."""
        return self._known.failed

    def likely_inputs(self) -> Iterable[Entry]:
        """What the task is given that we shall probably take next; no request."""
        at = self._next()
        return self._known.tasks[at].inputs if at is not None else ()

    def endings(self) -> tuple[Turn, ...]:
        """The turns that ended tasks, as far as they are known, in the tasks' order."""
        return tuple(self._known.endings[at] for at in sorted(self._known.endings))

    def _last_again(self) -> Taken | None:
        """The task that we had last, if it is not at its end."""
        if self._mine is None:
            return None
        taken = self._look(self._mine)
        if taken is None:
            self._mine, self._surveyed_s = None, float("-inf")
        return taken

    def _free(self) -> Taken | None:
        """A task that nobody has.

        Where somebody has the next one, what is behind it is listed, and a random one of the free
        ones there is next: so two machines that met part. Where all there are taken, twice in a
        row, the job is near its end, and all is listed.
        """
        full = 0
        for _ in range(_PROBES):
            at = self._next()
            if at is None:
                return None
            self._mine = at
            if taken := self._taken(at, self._known.log(at).begin(self._machine)):
                return taken
            free = self._free_behind(at)
            full += not free
            if full == _FULL:
                self._survey()
            self._at = self._dice.choice(free) if free else None
        return None

    def _free_behind(self, at: int) -> Sequence[int]:
        """The free tasks among those behind one, as far as one listing tells."""
        listed = self._known.records.begun(after=self._known.tasks[at].name, most=_PAGE)
        self._known.listed(listed)
        end = self._known.loose
        if listed.total() == _PAGE:
            end = min(end, self._known.place(max(listed)) + 1)
        return [place for place in range(at + 1, end) if place not in self._known.turns]

    def _next(self) -> int | None:
        """The next task of which nothing is known."""
        count = self._known.loose
        if len(self._known.turns) >= count:
            return None
        start = self._dice.randrange(count) if self._at is None else self._at
        found = ((start + step) % count for step in range(count))
        return next((at for at in found if at not in self._known.turns), None)

    def _may_survey(self) -> bool:
        return self._clock.monotonic() - self._surveyed_s >= _SURVEY_S

    def _survey(self) -> None:
        """List all turns."""
        self._surveyed_s = self._clock.monotonic()
        self._known.listed(self._known.records.begun())

    def _joining(self) -> Taken | None:
        """The task that joins the others, if these have ended well."""
        last = len(self._known.tasks) - 1
        if not self._known.complete or not self._known.joins or last in self._known.endings:
            return None
        if last > _PROBES and not self._seem_ended(last):
            return None
        if last in self._known.turns and self._watch.in_hands(self._known.stand(last)):
            return None
        if not self._known.all_ended(self._watch.around(last)) or self.failed:
            return None
        return self._look(last)

    def _giving_up(self) -> Taken | None:
        """The task that would join the others, once nobody works on any of these."""
        last = len(self._known.tasks) - 1
        if not self._known.complete or not self._known.joins or last in self._known.endings:
            return None
        self._survey()
        self._known.stand_all(self._known.turns)
        held = [
            self._known.log(at).known[-1]
            for at in self._known.turns
            if self._known.is_held(at) and at != last
        ]
        if any(turn.deed is Deed.CLAIM and not self._watch.dead(turn.holder) for turn in held):
            return None
        return self._look(last)

    def _worst(self) -> Exit:
        """How a job has ended whose pieces did not all end well: by the first that failed."""
        for at in sorted(self._known.endings):
            exit_ = exit_of(self._known.endings[at])
            if exit_.outcome is Outcome.FAILURE:
                return replace(exit_, reason=f"{self._known.tasks[at].title}: {exit_.reason}")
        return Exit(outcome=Outcome.ABORTED, code=1, reason="stopped on request")

    def _seem_ended(self, count: int) -> bool:
        """Whether each of the first tasks has so many turns that it may have ended."""
        if self._watch.sees_work:
            return False
        if self._may_survey():
            self._survey()
        return all(
            at in self._known.endings or self._known.turns.get(at, 0) >= FEWEST_ENDED
            for at in range(count)
        )

    def _orphan(self) -> Taken | None:
        """A task whose holder is dead, or has given it back, of those that we watch."""
        due = self._watch.due()
        for at in due:
            # What joins all others is looked at once these are known.
            if not self._known.tasks[at].joins and (taken := self._look(at)) is not None:
                return taken
        if due and not self._watch.sees_work:
            self._surveyed_s = float("-inf")
        return None

    def _needed(self) -> bool:
        """Whether a task may become free: it is not there yet, or nobody is known to work on it.

        Of a job that is off, only the last task is waited for, and for a while a courier that
        gives it to us: it may be asleep.
        """
        if self._off():
            now_s = self._clock.monotonic()
            self._off_s = now_s if self._off_s is None else self._off_s
            return self._known.complete or now_s - self._off_s < _PATIENCE_S
        if not self._known.complete:
            return True
        return self._watch.needed or self._next() is not None

    def _look(self, at: int) -> Taken | None:
        """Claim a task if it is free, or its holder is dead or we are."""
        turns = self._known.stand(at)
        if self._watch.in_hands(turns):
            return None
        over = turns[-1] if standing(turns) is Standing.HELD else None
        return self._claim(at, over=over)

    def _claim(self, at: int, *, over: Turn | None) -> Taken | None:
        self._mine = at
        taken = self._taken(at, self._known.log(at).claim(self._machine, over=over))
        others = over is not None and over.holder != self._machine
        return replace(taken, lost=over.holder) if taken and over and others else taken

    def _taken(self, at: int, claim: Turn | None) -> Taken | None:
        """What we have if a claim of ours was let be."""
        log = self._known.log(at)
        if claim is None:
            self._mine, self._known.turns[at] = None, 1
            return None
        self._known.turns[at], self._at = len(log.known), at + 1
        self._watch.forget()
        if sum(turn.deed is Deed.CLAIM for turn in log.known) > MOST_CLAIMS:
            reason = f"{MOST_CLAIMS} machines were lost while they worked on it"
            log.close(claim, Deed.FAILED, {"outcome": "failure", "code": 1, "reason": reason})
            self._known.stand(at)
            return None
        task = self._known.tasks[at]
        if not task.joins:
            return Taken(task=task, claim=claim, log=log)
        given_up = self._worst() if self._off() else None
        return Taken(
            task=task, claim=claim, log=log, pieces=self._known.joined(), given_up=given_up
        )
