"""Ends a job that no machine has ended: it failed, it was stopped, or nobody wants it any more."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from cryoem_cloud.courier.chaining.waited import bring_waited
from cryoem_cloud.courier.homeward.delivery import Delivery
from cryoem_cloud.courier.homeward.home import DroppedError, Home
from cryoem_cloud.courier.homeward.trashed import mark_trashed
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.tokens import fleets_of
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.errors import CryoemError, ProviderDeniedError
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["STOP_S", "GivingUp"]

STOP_S = 20.0
"""What a machine that the user does not want any more gets to end in order."""
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GivingUp:
    """The ways to give a job up. Each says how the job ended, and leaves no machine of it."""

    records: JobRecords
    delivery: Delivery
    provider: Provider
    home: Callable[[], Home]
    conclude: Callable[[Exit], Exit | None]
    desk: CardDesk
    clock: Clock

    def fail(self, exit_: Exit) -> Exit:
        """Fail or abort it, and say so at home."""
        if self.home().job.after:  # a machine of an earlier job may be at work on it
            self.records.ask(Control.STOP)
        self.records.put_end(exit_)
        self._end_machines()
        bring_waited(self.records, self.home())
        self.conclude(exit_)
        self.home().end(exit_)
        self.delivery.close(exit_)
        return exit_

    def abandon(self) -> Exit:
        """Abort it while what it needs is away; say so where that can be done.

        Where we may not end its machines any more, as after their account was torn down, those that
        there are end by themselves.
        """
        reason = f"stopped; {self.desk.card.note}"
        with suppress(CryoemError):  # what is away may be another thing than the store
            self.records.put_end(Exit(outcome=Outcome.ABORTED, code=1, reason=reason))
        try:
            self._end_machines()
        except ProviderDeniedError as error:
            reason += f"; machines that it may have were not ended: {error.message} (cryoem reap)"
        exit_ = Exit(outcome=Outcome.ABORTED, code=1, reason=reason)
        with suppress(CryoemError, DroppedError, OSError):
            self.home().end(exit_)
        return exit_

    def drop(self, why: str) -> Exit:
        """Abort it, and write nothing at home, but for a marker where its folder was trashed."""
        exit_ = Exit(outcome=Outcome.ABORTED, code=1, reason=why)
        self.desk.note(f"{why}; stopping")
        with suppress(CryoemError):
            self.records.ask(Control.STOP)
            self._wait_for_machines()
            self.records.put_end(exit_)
        self._end_machines()
        mark_trashed(self.home(), exit_)
        return exit_

    def _fleets(self) -> tuple[str, ...]:
        ours = fleets_of(self.records.project, self.records.number)
        return tuple(token for token in self.provider.tokens() if token.startswith(ours))

    def _end_machines(self) -> None:
        for token in self._fleets():
            self.provider.end(token)

    def _wait_for_machines(self) -> None:
        """Let machines end in order, for a while."""
        until_s = self.clock.monotonic() + STOP_S
        while self.clock.monotonic() < until_s and self.records.end() is None:
            if not any(self.provider.look(token).alive for token in self._fleets()):
                return
            self.clock.sleep(_LOOK_S)
