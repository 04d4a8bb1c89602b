"""Whether a task shows no life, as a courier sees it that knows of no machine."""

from dataclasses import dataclass

from cryoem_cloud.model.machine import Pulse
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["Silence"]


@dataclass
class Silence:
    """Of the task with that turn log, from the first time that it is asked for."""

    records: JobRecords
    log: TurnLog
    clock: Clock
    _pulse: Pulse | None = None

    def broken(self) -> None:
        """Begin anew: a machine is there."""
        self._pulse = None

    def lasts(self) -> bool:
        """Whether neither a new turn nor a beat of the last one's holder was seen for a minute."""
        turns, now_s = self.log.read(), self.clock.monotonic()
        beat = self.records.beat(turns[-1].holder) if turns else None
        signs = b"%d %s" % (len(turns), beat or b"")
        self._pulse = self._pulse.look(signs, now_s) if self._pulse else Pulse.first(signs, now_s)
        return self._pulse.dead(now_s)
