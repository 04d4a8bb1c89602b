"""A job that goes on after others: told to their machines, waited for, and settled who prepares it.

docs/reference/protocol.md has the rules, under chains.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cryoem_cloud.courier.chaining.guest import Guest
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.chains import before
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip, Spool
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.machine import HEARTBEAT_S
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.record import text
from cryoem_cloud.model.turn import Standing, Turn, standing
from cryoem_cloud.model.units import plain
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.nexts import Next, nexts, put_next

__all__ = ["BrokenChainError", "Later", "stop_those_after"]

_WORKED_ON = frozenset({Phase.HOMECOMING, Phase.ENDED})
"""What a job is in when no machine works on it any more."""
_LOOK_S = 1.0
_LOG_S = 5.0
"""Between looks at who prepares the job: each is a request that object stores charge for."""
_COMES_S = HEARTBEAT_S
"""What a machine gets to come along, once the jobs before are home."""


class BrokenChainError(Exception):
    """A job before this one did not end well; the message says which, and why."""


def stop_those_after(slip: Slip, cards: Iterable[Card], spool: Spool) -> None:
    """Where a stop came when the job had ended well already, stop what goes on after it."""
    if spool.stop_asked(slip.name):
        for card in cards:
            ours = card.open and card.project == slip.project.name
            if ours and slip.job.number in card.after and spool.holds(card.slip_name):
                spool.ask_stop(card.slip_name)


@dataclass(kw_only=True)
class Later:
    """One job that goes on after others.

    `card` gives that of a job of its project. `ahead` sends what can be sent before the jobs of
    these numbers have ended, and gives what is to be told; None where that is not known yet.
    `stopped` says whether the user wants the job no more; `rest` waits, and says whether we are to
    end.
    """

    job: Job
    records: JobRecords
    who: str
    card: Callable[[int], Card | None]
    ahead: Callable[[frozenset[int]], Next | None]
    providers: Sequence[Provider]
    desk: CardDesk
    clock: Clock
    stopped: Callable[[], bool]
    rest: Callable[[float], bool]
    _guest: Guest | None = None
    _home_since_s: float | None = None
    _due_s: float = field(default=float("-inf"))
    _left: str = ""
    _seen: bool = False
    """Whether a machine will see, or has seen, that it was told."""

    def ours(self) -> bool:
        """Wait for the jobs before; whether it is now us who make the job ready.

        Otherwise a machine has, or the user stopped the job.

        Raises:
            BrokenChainError: A job before has not ended well.
        """
        told, log = self._tell(), self.records.preparations()
        while not self.stopped():
            waits = self._not_home()
            if not told and not waits:
                return True
            now_s = self.clock.monotonic()
            if told and self._machines_ended() and now_s >= self._due_s:
                self._due_s = now_s + _LOG_S
                turns = log.read()
                if standing(turns) is Standing.DONE:
                    return False
                over = turns[-1] if turns else None
                if self._may_take(turns, home=not waits) and log.claim(self.who, over=over):
                    return True
            self.desk.phase(Phase.WAITING, self._words(waits, told=told))
            if self.rest(_LOOK_S):
                return False
        return False

    def _tell(self) -> bool:
        """Tell the jobs before of this one; whether their machines know of it."""
        waits = self._not_home()
        if not waits:
            store, project = self.records.store, self.records.project
            found = (later for n in self.job.after for later in nexts(store, project, n))
            return any(later.job == self.job.number for later in found)
        known = {number: self.card(number) for number in before(self.job.after, self.card)}
        sources = frozenset(number for number, card in known.items() if card and card.open)
        later = self.ahead(sources) if all(known.values()) else None
        if later is None:
            return False
        for number in waits:
            put_next(self.records.store, self.records.project, number, later)
        # A machine looks once it has said how its job ended.
        self._seen = any(self._of(number).end() is None for number in waits)
        return True

    def _not_home(self) -> tuple[int, ...]:
        """The jobs right before that are not home yet."""
        return tuple(n for n in self.job.after if not self._well_home(n, self.card(n)))

    def _well_home(self, number: int, card: Card | None) -> bool:
        # Where this computer has lost the card, the records say when no machine works on it.
        exit_ = card.exit if card else self._of(number).end()
        if exit_ is None or exit_.outcome is Outcome.SUCCESS:
            return exit_ is not None
        word = "failed" if exit_.outcome is Outcome.FAILURE else "was stopped"
        reason = f": {exit_.reason}" if exit_.reason else ""
        name = self._name(number)
        raise BrokenChainError(f"{name}, after which it was to go on, {word}{reason}")

    def _machines_ended(self) -> bool:
        cards = map(self.card, self.job.after)
        return all(card is None or card.phase in _WORKED_ON for card in cards)

    def _may_take(self, turns: Sequence[Turn], *, home: bool) -> bool:
        """Whether the job is left to us: no machine came, released it, or died over it."""
        self._left = plain(text(turns[-1].detail, "reason", "")) if turns else ""
        held = standing(turns) is Standing.HELD and turns[-1].holder != self.who
        if (held and self._lives(turns[-1])) or not home:
            return False
        now_s = self.clock.monotonic()
        if self._home_since_s is None:
            self._home_since_s = now_s
        return bool(turns) or now_s - self._home_since_s >= _COMES_S

    def _lives(self, claim: Turn) -> bool:
        if self._guest is None or self._guest.name != claim.holder:
            self._guest = Guest.of_claim(
                claim, self.records, providers=self.providers, clock=self.clock
            )
        return self._guest.lives()

    def _name(self, number: int) -> str:
        card = self.card(number)
        return f"job {number} ({card.name})" if card else f"job {number}"

    def _of(self, number: int) -> JobRecords:
        return JobRecords(self.records.store, self.records.project, number)

    def _words(self, waits: Sequence[int], *, told: bool) -> str:
        jobs = ", ".join(self._name(number) for number in waits) or "its turn"
        if self._left:
            return f"after {jobs}; a machine left it to this computer: {self._left}"
        if self._guest is not None and self._guest.of:
            return f"a machine of job {self._guest.of} makes it ready"
        if told and (self._seen or not waits):
            return f"after {jobs}; a machine goes on with it, this computer need not be on"
        return f"after {jobs}, once that is home; this computer must be on"
