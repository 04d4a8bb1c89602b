"""A plan: where a job's work may run, what it would take and cost there, and which is chosen."""

from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.model.allowance import Allowance
from cryoem_cloud.model.machine_type import Listing
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.spread import Spread

__all__ = ["LINE_BYTES_S", "Excluded", "Limits", "Option", "Plan", "Terms", "Transfer", "UsdRange"]


LINE_BYTES_S = 125_000_000
"""1 Gb/s: of a line that nobody has told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a user, or an account, allows; None and () mean: anything.

    A plan keeps the deadline (hours) and the budget if it does so nine times of ten. `kinds` are
    machine types that the user fixed, `fewest` and `machines` how many there may be, `allowances`
    what the account may have at a time, `disk_gib` the largest disk of one machine.
    """

    deadline_h: float | None = None
    budget_usd: Decimal | None = None
    market: Market | None = None
    regions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    fewest: int = 1
    machines: int | None = None
    allowances: tuple[Allowance, ...] = ()
    disk_gib: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What is to be moved: bytes that the store lacks, bytes that come home; bytes a second.

    `line_bytes_s` is of the way up; `down_bytes_s` 0: the way home is as fast.
    """

    up_bytes: int = 0
    down_bytes: int = 0
    line_bytes_s: float
    down_bytes_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is charged beside machines, in US dollars.

    For a GB (2^30 bytes, as bills have it) out of the provider's network; for a GiB of a machine's
    disk, and one in the store, for a month.
    """

    egress_usd_per_gb: Decimal
    disk_usd_per_gib_month: Decimal
    store_usd_per_gib_month: Decimal


@dataclass(frozen=True, slots=True)
class UsdRange:
    """US dollars: P10, P50 and P90."""

    p10: Decimal
    p50: Decimal
    p90: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """So many machines of a listing in a market, and what the job takes on them.

    `total_h` is from submission until the results are home, `running_h` the work itself on all of
    them, `paid_h` what each machine is paid for, in the mean, and `life_h` how long the first one
    is there. `usd` is for all, of which at P50 `machines_usd`, `disk_usd` and `egress_usd`.
    `interruptions` is how many times a machine is expected to be taken away.
    """

    listing: Listing
    market: Market
    machines: int
    disk_gib: int
    total_h: Spread
    running_h: Spread
    paid_h: Spread
    life_h: Spread
    usd: UsdRange
    machines_usd: Decimal
    disk_usd: Decimal
    egress_usd: Decimal
    interruptions: float = 0.0

    @property
    def name(self) -> str:
        """As a user calls it: `2 x g6.12xlarge, Spot`."""
        market = "Spot" if self.market is Market.SPOT else "on-demand"
        return f"{self.machines} x {self.listing.kind.name}, {market}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """Machine types that are not offered, in alphabetical order, and why, in words."""

    kinds: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The choice (None: nothing does what is asked), its reason in one sentence, and all else.

    `front` are the options of which no other is faster and no dearer, or cheaper and no slower, by
    P50, the fastest first. `by_quota` says that there are none as the account may start nothing
    that the job could run on. `alike` are machine types, the choice's first, that have as many
    GPUs and cores and do about as well at about the price, in its market. `store_usd_month` is
    what the job's files cost in the store for a month.
    """

    choice: Option | None
    reason: str
    front: tuple[Option, ...]
    excluded: tuple[Excluded, ...]
    store_usd_month: Decimal
    by_quota: bool = False
    alike: tuple[str, ...] = ()
