"""Which courier brings a job home: one at a time, and the job once."""

from dataclasses import dataclass, field

from cryoem_cloud.model.job import Exit
from cryoem_cloud.model.machine import HEARTBEAT_S, Pulse
from cryoem_cloud.model.turn import Deed, Standing, Turn, exit_of, standing
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.beating import Beating
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["Delivery"]


@dataclass
class Delivery:
    """A courier's part in the log `deliver/`: the same turns as machines take at tasks."""

    records: JobRecords
    who: str
    clock: Clock
    log: TurnLog = field(init=False)
    claim: Turn | None = None
    _beating: Beating | None = None
    _pulses: dict[str, Pulse] = field(default_factory=dict)
    """By the nonces of claims: beats of different couriers may be alike."""
    _looked_s: float = 0.0

    def __post_init__(self) -> None:
        self.log = self.records.deliveries()

    def ours(self) -> bool:
        """Take the delivery if it is free or its courier is dead; whether it is ours now.

        Ask again before anything that must not be done twice.
        """
        self._looked_s = self.clock.monotonic()
        turns = self.log.read()
        if self.claim is not None and turns and turns[-1].nonce == self.claim.nonce:
            return True
        self.claim = self.log.claim(self.who, over=self._dead(turns))
        if self.claim is not None and self._beating is None:
            self._beating = Beating(self.records, self.who)
            self._beating.start()
        return self.claim is not None

    @property
    def holder(self) -> str:
        """Who had the delivery at the last look; "" where nobody ever had."""
        return self.log.known[-1].holder if self.log.known else ""

    def still_ours(self) -> bool:
        """As `ours`, from a look of the last HEARTBEAT_S: for what may be done twice."""
        recent = self.clock.monotonic() - self._looked_s < HEARTBEAT_S
        return (self.claim is not None and recent) or self.ours()

    def over(self) -> Exit | None:
        """How the job ended, once it has been brought home."""
        turns = self.log.read()
        return exit_of(turns[-1]) if standing(turns) is Standing.DONE else None

    def close(self, exit_: Exit) -> None:
        """Say that the job is home, and how it ended; again is the same."""
        if self.claim is not None:
            detail = {"outcome": exit_.outcome.value, "code": exit_.code, "reason": exit_.reason}
            self.log.close(self.claim, Deed.DONE, detail)

    def rest(self) -> None:
        """Show no life any more."""
        if self._beating is not None:
            self._beating.stop()
            self._beating = None

    def _dead(self, turns: tuple[Turn, ...]) -> Turn | None:
        """The last claim, if its courier has shown no life for long enough."""
        if standing(turns) is not Standing.HELD:
            return None
        last, now_s = turns[-1], self.clock.monotonic()
        beat, known = self.records.beat(last.holder), self._pulses.get(last.nonce)
        pulse = known.look(beat, now_s) if known else Pulse.first(beat, now_s)
        self._pulses[last.nonce] = pulse
        return last if pulse.dead(now_s) else None
