"""The last part of an errand: what the winning turn made comes home, and the marker last."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cryoem_cloud.courier.athome import concluded
from cryoem_cloud.courier.homeward.admit import admitted_sizes
from cryoem_cloud.courier.homeward.delivery import Delivery
from cryoem_cloud.courier.homeward.home import Home
from cryoem_cloud.courier.homeward.publish import publish
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.money.costs import cost_line
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.record import mapping
from cryoem_cloud.model.turn import FEWEST_ENDED, Deed, Turn, exit_of
from cryoem_cloud.mover.decoder import leave_decoder
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.results import results

__all__ = ["Homecoming"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Homecoming:
    """Brings a job home. `refused` is what its machines have sent and must not, as it is met.

    `measured` writes down what it took.
    """

    slip: Slip
    means: Means
    records: JobRecords
    delivery: Delivery
    home: Home
    refused: Iterable[str]
    measured: Callable[[Turn], None]

    def bring(self, ending: Turn) -> Exit | None:
        """How the job ended, once it is home; None where this courier is not to bring it.

        What a machine that was lost had brought home stays where the job has not succeeded: nothing
        stands for it then, and somebody may have made it by hand.
        """
        sizes = admitted_sizes(mapping(ending.detail, "logs"), self.slip.job)
        entries = results(self.records, ending)
        self.home.place(entries, ended=True)
        if entries:
            publish(self.records, self.means.cache, ending)
        if any(entry.content and entry.content.codecs for entry in entries):
            leave_decoder(self.records.store)
        if ending.deed is Deed.DONE or ending.number == FEWEST_ENDED:
            self.home.remove_others(entries)
        if not self.delivery.ours():
            return None
        self.home.cut_logs(sizes)
        how = self._suspicious() or exit_of(ending)
        why = self.records.asked_why() if how.outcome is Outcome.ABORTED else ""
        how = replace(how, reason=why) if why else how
        self._tell_cost(f"cryoem: job {self.slip.job.number}: {why}\n" if why else "")
        if how.outcome is Outcome.SUCCESS:
            self.measured(ending)
        exit_ = concluded(self.slip, self.means, how)
        if exit_ is not None:
            self.home.end(exit_)
            self.records.put_end(exit_)
            self.delivery.close(exit_)
        return exit_

    def _tell_cost(self, before: str) -> None:
        self.means.record()
        if line := before + cost_line(self.records):
            self.home.tell_cost(line)

    def _suspicious(self) -> Exit | None:
        """A failure, if the machine sent what it must not; the rest is home all the same."""
        if not self.refused:
            return None
        first, *others = self.refused
        more = f", and {len(others)} more like it" if others else ""
        reason = f"the machine sent what we do not place, all else is home: {first}{more}"
        return Exit(outcome=Outcome.FAILURE, code=RefusedError.exit_code, reason=reason)
