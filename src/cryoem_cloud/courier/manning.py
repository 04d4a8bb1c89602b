"""Keeps a job manned: one fleet after the other, until its task has ended."""

import logging
from dataclasses import dataclass, field

from cryoem_cloud.courier.guest import Guest
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.spool import Slip
from cryoem_cloud.courier.tokens import token_of
from cryoem_cloud.model.errors import BootError, ProviderError
from cryoem_cloud.model.machine import Fleet, Pulse, State
from cryoem_cloud.model.turn import Deed
from cryoem_cloud.ports.provider import Order, Provider
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["MOST_ATTEMPTS", "Manning", "provider_of"]

_LOG = logging.getLogger(__name__)

MOST_ATTEMPTS = 10
"""Fleets that all left an open task; there is then something about the job that sends them away."""
_MOST_FAILED = 3
"""Fleets in a row whose last machines had left before they had worked."""


def provider_of(means: Means, slip: Slip) -> Provider:
    """Where a job's machines come from: as its submitter wished, or as the settings say now."""
    settings = means.settings(str(slip.project.folder))
    return means.provider(slip.job.wish.where or settings.where, settings)


@dataclass
class Manning:
    """Has machines kept for one job, whose last task has this turn log.

    There are as many as the user wants, but no more than tasks that can be worked on at once.

    A machine leaves while somebody else who was seen alive works on the task. Should that one die,
    or should a claim of a machine that has left land late, then nobody is there any more, and no
    provider starts machines that have left anew. So another fleet is ordered, once all machines of
    the newest one have left and the task has shown no life for a minute. The attempts are recorded
    in the store, where the next courier finds them.
    """

    means: Means
    slip: Slip
    records: JobRecords
    log: TurnLog
    tasks: int = 1
    _attempt: int = 0
    _pulse: Pulse | None = None
    _failed: int = 0
    _told_gone: set[str] = field(default_factory=set)
    _guest: Guest | None = field(init=False)

    def __post_init__(self) -> None:
        self._guest = self._came_along() if self.slip.job.after else None

    def keep(self) -> None:
        """See to it that there are machines as long as the task is open; call again and again.

        Raises:
            BootError: Machines end before they have worked.
            ProviderError: They left an open task too often.
        """
        if self._guest is not None:
            if self._guest.lives():
                return
            name = self._guest.name
            _LOG.warning("job %d: %s came along, and is gone", self.records.number, name)
            self._guest = None
        if not self._attempt:
            self._begin(max(1, self.records.launches()))
        order = self._order()
        fleet = provider_of(self.means, self.slip).keep(order)
        self._tell_of_gone(fleet)
        if fleet.alive:
            self._pulse = None
        elif fleet.failures >= order.most_failures:
            raise _no_boot(fleet)
        elif fleet.spent and self._silent():
            self._failed = self._failed + 1 if fleet.failures else 0
            if self._failed >= _MOST_FAILED:
                raise _no_boot(fleet)
            self._man_again()

    def _came_along(self) -> Guest | None:
        """The machine of an earlier job that made this one ready, if one did."""
        turns = self.records.preparations().read()
        claims = [turn for turn in turns if turn.deed is Deed.CLAIM]
        if not claims:
            return None
        guest = Guest.of_claim(
            claims[-1],
            self.records,
            providers=self.means.providers(),
            clock=self.means.clock,
        )
        return guest if guest.of else None

    def _begin(self, attempt: int) -> None:
        self._attempt, self._pulse = attempt, None
        order = self._order()
        self.records.put_launch(attempt, provider_of(self.means, self.slip).name, order.token)

    def _man_again(self) -> None:
        if self._attempt >= MOST_ATTEMPTS:
            raise ProviderError(
                f"{self._attempt} times all machines left job {self.records.number} while its work "
                "was not done",
                hint="submit it again; cryoem report collects what the machines said",
            )
        _LOG.warning("job %d: its machines left, and its task is open", self.records.number)
        self._begin(self._attempt + 1)

    def _order(self) -> Order:
        slip, settings = self.slip, self.means.settings(str(self.slip.project.folder))
        return Order(
            token=token_of(slip.project.name, slip.job.number, self._attempt),
            store=slip.project.store,
            project=slip.project.name,
            job=slip.job.number,
            count=min(slip.job.wish.count or settings.count, self.tasks),
            environment=slip.environment,
            umask=slip.umask,
        )

    def _tell_of_gone(self, fleet: Fleet) -> None:
        """Let other machines take over at once what those that ended were working on."""
        ended = {m.name for m in fleet.machines if m.state in {State.GONE, State.LEFT}}
        for name in sorted(ended - self._told_gone):
            self.records.mark_gone(name)
            self._told_gone.add(name)

    def _silent(self) -> bool:
        """Whether neither a new turn nor a beat of the last one's holder was seen for a minute."""
        turns, now_s = self.log.read(), self.means.clock.monotonic()
        beat = self.records.beat(turns[-1].holder) if turns else None
        signs = b"%d %s" % (len(turns), beat or b"")
        self._pulse = self._pulse.look(signs, now_s) if self._pulse else Pulse.first(signs, now_s)
        return self._pulse.dead(now_s)


def _no_boot(fleet: Fleet) -> BootError:
    return BootError(
        f"{fleet.failures} machines in a row ended before they had worked; the last one said: "
        f"{fleet.failure_log.strip() or 'nothing'}",
        hint="cryoem doctor looks for the cause",
    )
