"""What a kind of machine has, and what it costs somewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from cryoem_cloud.model.offer import Market

__all__ = ["Listing", "MachineType", "Price"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """A provider's machine type.

    Memory in GiB; `gpu_memory_gib` is of one GPU, `gpu` its model ("": it has none). `nvme_gb` is
    of all its own disks together (0: it has none). `network_gbps` is what it may reach for a while,
    `baseline_gbps` what it has at all times. A vCPU is a hyperthread, or with one thread a core a
    whole core.
    """

    name: str
    vcpus: int
    threads_per_core: int = 2
    memory_gib: float
    processor: str = ""
    gpu: str = ""
    gpus: int = 0
    gpu_memory_gib: float = 0.0
    nvme_gb: int = 0
    network_gbps: float = 0.0
    baseline_gbps: float = 0.0

    @property
    def family(self) -> str:
        """What stands before the dot of its name."""
        return self.name.partition(".")[0]

    @property
    def cores(self) -> int:
        """Physical ones."""
        return max(1, self.vcpus // self.threads_per_core)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for an hour of a machine; None: it is not sold so.

    `spot` is the mean over zones, `zones` each zone's own, by its id. What is reserved for a year
    or three is paid at once, and here by the hour.
    """

    on_demand: Decimal | None = None
    spot: Decimal | None = None
    reserved_1y: Decimal | None = None
    reserved_3y: Decimal | None = None
    zones: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, market: Market) -> Decimal | None:
        """In that market; of Spot, the cheapest zone's where zones are known."""
        if market is Market.ON_DEMAND:
            return self.on_demand
        return min(self.zones.values(), default=self.spot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A machine type that is sold in a region at a price."""

    kind: MachineType
    region: str
    price: Price
