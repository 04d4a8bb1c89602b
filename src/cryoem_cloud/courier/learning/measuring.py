"""What a job that ended well took, written down so that later plans learn from it."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.learning.working import computer_of, work_of
from cryoem_cloud.courier.machines.sources import provider_of
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.measured import Measured
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.record import integer, integers, mapping
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.measured import put_measured

__all__ = ["Measuring", "ran_on"]

_LOG = logging.getLogger(__name__)

_NUMBERS = 2
"""That are told of a machine: seconds and items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """Writes down what one job took, by machine type. What is missing for that is no trouble."""

    means: Means
    slip: Slip
    records: JobRecords

    def note(self, ending: Turn) -> None:
        """Record it, once for a job, and have this computer remember it; again is the same."""
        if ending.deed is not Deed.DONE:
            return
        try:
            found = tuple(self._measured(ending))
            for each in found:
                put_measured(self.records.store, self.records.project, each)
            if found:
                self.means.learnt.refreshed(self.records.store, self.records.project)
        except (CryoemError, OSError) as error:
            number = self.records.number
            _LOG.warning("job %d: what it took is not recorded: %s", number, error)

    def _measured(self, ending: Turn) -> Iterator[Measured]:
        ran = ran_on(ending)
        if not ran or (work := work_of(self.means, self.slip, self.records)) is None:
            return
        provider = provider_of(self.means, self.slip)
        kinds = self._kinds(sells=provider.sells)
        by_kind: dict[str, tuple[int, int]] = {}
        for machine, (ran_s, items) in ran.items():
            if kind := kinds.get(machine, "" if provider.sells else computer_of(self.slip)):
                before_s, before = by_kind.get(kind, (0, 0))
                by_kind[kind] = before_s + ran_s, before + items
        for kind, (ran_s, items) in by_kind.items():
            yield Measured(
                job=self.records.number,
                kind=kind,
                where=provider.name,
                work=replace(work, items=items) if items else work,
                ran_s=ran_s,
                cores=0 if provider.sells else provider.shape(Offer()).cores,
            )

    def _kinds(self, *, sells: bool) -> dict[str, str]:
        """The machines' types, as the ledger has them; of a user's own computer it has none."""
        if not sells:
            return {}
        ledger = Ledger(self.records.store, self.records.project)
        lives = ledger.lives(self.records.number)
        return {life.machine: life.kind for life in lives if life.kind}


def ran_on(ending: Turn) -> Mapping[str, tuple[int, int]]:
    """By machine, for how many seconds a job's programs ran, and through how many items they went.

    0 items are all: one machine did the job. Empty where the job went on from what was made, or
    its machines do not tell.

    Raises:
        FormatError: They tell something else.
    """
    shared = mapping(ending.detail, "ran")
    if not shared:
        ran_s = integer(ending.detail, "ran_s", 0)
        return {ending.holder: (ran_s, 0)} if ran_s > 0 else {}
    found: dict[str, tuple[int, int]] = {}
    for machine, said in shared.items():
        numbers = integers({"ran": said} if isinstance(said, list) else {}, "ran")
        if len(numbers) == _NUMBERS and min(numbers) > 0:
            found[machine] = numbers[0], numbers[1]
    return found
