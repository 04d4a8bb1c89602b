"""A machine that came along from an earlier job, as the courier of the later job sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from cryoem_cloud.courier.known.tokens import fleets_of
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.machine import HEARTBEAT_S, Pulse, State
from cryoem_cloud.model.record import integer
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Guest", "came_along"]


@dataclass(kw_only=True)
class Guest:
    """Who prepared a job, or is at it; `of` is the job that its fleet was ordered for.

    0 is the `of` of a courier. `providers` are those that may have the fleet.
    """

    records: JobRecords
    name: str
    of: int
    providers: Sequence[Provider]
    clock: Clock
    _pulse: Pulse | None = None
    _due_s: float = field(default=float("-inf"))
    _gone: bool = False

    @classmethod
    def of_claim(
        cls, claim: Turn, records: JobRecords, *, providers: Sequence[Provider], clock: Clock
    ) -> Self:
        """Who claimed to prepare the job."""
        of = integer(claim.detail, "of", 0)
        return cls(records=records, name=claim.holder, of=of, providers=providers, clock=clock)

    def lives(self) -> bool:
        """Whether it may yet be at work: it was not seen to end, and has not been silent for long.

        Other machines are told of an end that its provider has seen.
        """
        if self._gone:
            return False
        if self._ended():
            self.records.mark_gone(self.name)
            self._gone = True
            return False
        now_s = self.clock.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + HEARTBEAT_S
            beat = self.records.beat(self.name)
            self._pulse = self._pulse.look(beat, now_s) if self._pulse else Pulse.first(beat, now_s)
        return self._pulse is not None and not self._pulse.dead(now_s)

    def _ended(self) -> bool:
        ours = fleets_of(self.records.project, self.of)
        return any(
            machine.name == self.name and machine.state in {State.GONE, State.LEFT}
            for provider in self.providers
            for token in provider.tokens()
            if token.startswith(ours)
            for machine in provider.look(token).machines
        )


def came_along(means: Means, records: JobRecords) -> Guest | None:
    """The machine of an earlier job that made this one ready, if one did."""
    turns = records.preparations().read()
    claims = [turn for turn in turns if turn.deed is Deed.CLAIM]
    if not claims:
        return None
    guest = Guest.of_claim(
        claims[-1],
        records,
        providers=means.providers(),
        clock=means.clock,
    )
    return guest if guest.of else None
