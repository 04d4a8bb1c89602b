"""What a job's work takes and costs on machines of one kind, from submission to results at home."""

from dataclasses import dataclass, field
from decimal import Decimal

from cryoem_cloud.model.machine_type import Listing, MachineType
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.plan import Option, Terms, Transfer, UsdRange
from cryoem_cloud.model.spread import Spread, combined, summed
from cryoem_cloud.model.storage_prices import GB
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.disk import disk_gib_for
from cryoem_cloud.planner.performance import Rates, run_s
from cryoem_cloud.planner.strength import Manned, Todo, manned

__all__ = ["BOOT_S", "Reckoner"]

BOOT_S = Spread(120, 180, 300)
"""From the order until the agent asks for work. Our assumption: Auto Scaling, EC2 and Ubuntu need a
minute or two (docs/evidence/launch.md), programs and image some more."""

_INTERRUPTIONS_PER_H = Spread(0.002, 0.01, 0.05)
"""How often a Spot machine is taken away. Our assumption: AWS tells of each type only whether less
than 5 % or more than 20 % were taken within a month, and not after how many hours each."""

_REDONE = 0.05
"""Of a machine's work, what is done again where one is lost: half of an iteration of ten, or half
of what is worked on. Our assumption."""

_FEWEST_PIECES, _LONGEST_PIECE_S = 2, 600.0
"""How many pieces a machine has in turn, at least, and how long it works on one, at most, as
courier/piecework/cutting cuts them."""

_NETWORK_GBPS = 5.0
"""Of a machine whose own is not known, gigabits a second. Our assumption."""
_NETWORK_USED = 0.8
"""Of a machine's network, what a transfer gets. Our assumption."""
_BYTES_A_GBIT = 1e9 / 8

_H_A_MONTH = 730
_S_AN_H = 3600


@dataclass(frozen=True, slots=True)
class Reckoner:
    """Of one work: what it takes on so many machines of a listing.

    Inputs that the store lacks are sent first, and results come home last; where the work is
    `divisible` both go on while machines work, which are ordered as inputs arrive. Machines are
    paid for from their order to their end.
    """

    work: Work
    transfer: Transfer
    terms: Terms
    rates: Rates
    _runs: dict[tuple[MachineType, int], Spread] = field(default_factory=dict)

    def option(self, listing: Listing, market: Market, machines: int) -> Option:
        """The option; the listing has a price in that market, and the work can be done on it."""
        kind = listing.kind
        run = self._run(kind, machines)
        busy = run.plus(self._own_transfer_s(kind, machines))
        interruptions = 0.0
        if market is Market.SPOT:
            interruptions = _INTERRUPTIONS_PER_H.p50 * machines * busy.p50 / _S_AN_H
            busy = combined(_with_interruptions, busy, _INTERRUPTIONS_PER_H, BOOT_S)
        up_s = self.transfer.up_bytes / self.transfer.line_bytes_s
        down_line_s = self.transfer.down_bytes_s or self.transfer.line_bytes_s
        down_s = self.transfer.down_bytes / down_line_s
        paid = life = summed(BOOT_S, busy)
        total = life.plus(up_s + down_s)
        if self.work.divisible and up_s:
            life, paid = _streamed(busy, up_s, machines)
        if self.work.divisible:
            total = life.at_least(down_s).plus(down_s / max(self.work.items, 1))
        return self._priced(
            listing,
            market,
            machines,
            run=run,
            paid=paid,
            life=life,
            total=total,
            taken=interruptions,
        )

    def disk_gib(self, kind: MachineType, machines: int) -> int:
        """The disk of each machine: for all inputs, or for the largest piece's."""
        if not self.work.divisible:
            return disk_gib_for(self.work.input_bytes)
        pieces = max(_FEWEST_PIECES, self._run(kind, machines).p50 / _LONGEST_PIECE_S)
        pieces = max(min(pieces, self.work.items), 1)
        return disk_gib_for(int(self.work.input_bytes / machines / pieces))

    def _run(self, kind: MachineType, machines: int) -> Spread:
        """The same in every region and market."""
        key = (kind, machines)
        if key not in self._runs:
            self._runs[key] = run_s(self.work, kind, self.rates, machines=machines)
        return self._runs[key]

    def _own_transfer_s(self, kind: MachineType, machines: int) -> float:
        """How long a machine fetches its inputs from the store and sends its outputs there."""
        gbps = kind.baseline_gbps or kind.network_gbps or _NETWORK_GBPS
        moved = self.work.input_bytes + self.work.output_bytes
        return moved / machines / (gbps * _BYTES_A_GBIT * _NETWORK_USED)

    def _priced(
        self,
        listing: Listing,
        market: Market,
        machines: int,
        *,
        run: Spread,
        paid: Spread,
        life: Spread,
        total: Spread,
        taken: float,
    ) -> Option:
        price = listing.price.of(market)
        if price is None:
            raise ValueError(f"{listing.kind.name} has no price {market.value}")
        paid_h = paid.times(1 / _S_AN_H)
        disk_gib = self.disk_gib(listing.kind, machines)
        of_machine = price * machines
        of_disk = self.terms.disk_usd_per_gib_month * disk_gib * machines / _H_A_MONTH
        egress = self.terms.egress_usd_per_gb * self.transfer.down_bytes / GB
        hours = [Decimal(repr(h)) for h in (paid_h.p10, paid_h.p50, paid_h.p90)]
        return Option(
            listing=listing,
            market=market,
            machines=machines,
            disk_gib=disk_gib,
            total_h=total.times(1 / _S_AN_H),
            running_h=run.times(1 / _S_AN_H),
            paid_h=paid_h,
            life_h=life.times(1 / _S_AN_H),
            usd=UsdRange(*((of_machine + of_disk) * h + egress for h in hours)),
            machines_usd=of_machine * hours[1],
            disk_usd=of_disk * hours[1],
            egress_usd=egress,
            interruptions=taken,
        )


def _streamed(busy: Spread, up_s: float, machines: int) -> tuple[Spread, Spread]:
    """How long the first machine is there, and what each is paid for in the mean.

    Of so many that would be `busy` so long, if all were there from the start.
    """

    def went(boot_s: float, busy_s: float) -> Manned:
        coming_s = busy_s * machines
        todo = Todo(ready_s=0.0, coming_s=coming_s, sent_in_s=up_s, boot_s=boot_s)
        return manned(todo, most=machines)

    life = combined(lambda boot_s, busy_s: went(boot_s, busy_s).end_s, BOOT_S, busy)
    return life, combined(
        lambda boot_s, busy_s: went(boot_s, busy_s).paid_s / machines, BOOT_S, busy
    )


def _with_interruptions(busy_s: float, per_h: float, boot_s: float) -> float:
    """What a machine takes in the mean where it is taken away so often: as often it boots anew."""
    times = per_h * busy_s / _S_AN_H
    return busy_s + times * (boot_s + _REDONE * busy_s)
