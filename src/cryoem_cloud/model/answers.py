"""What a provider has answered about its machines and prices, part by part, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.machine_type import MachineType, Price
from cryoem_cloud.model.record import JSON, instant, mapping, text
from cryoem_cloud.model.usd import usd

__all__ = ["Answers", "Part"]


class Part(Enum):
    """What is asked at a time. The values are words of stored records."""

    SPECS = "specs"
    ON_DEMAND = "on-demand"
    """And what is reserved."""
    SPOT = "spot"

    @property
    def lasts(self) -> timedelta:
        """For so long an answer is fresh."""
        return _LASTS[self]


_LASTS = {
    Part.SPECS: timedelta(days=7),
    Part.ON_DEMAND: timedelta(hours=24),
    Part.SPOT: timedelta(minutes=10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Of a region; `asked` has the instants of the parts that there are.

    `spot` has the prices of each machine type's zones, by the zones' ids.
    """

    region: str
    asked: Mapping[Part, datetime]
    specs: Mapping[str, MachineType] = field(default_factory=dict)
    on_demand: Mapping[str, Price] = field(default_factory=dict)
    spot: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    def fresh(self, part: Part, now: datetime) -> bool:
        """Whether there is an answer that is neither too old nor of a time to come.

        A clock that was wrong has written the latter.
        """
        return part in self.asked and timedelta() <= now - self.asked[part] < part.lasts

    def and_those_of(self, other: "Answers") -> "Answers":
        """With the parts that `other` has in place of these."""
        theirs = other.asked
        return Answers(
            region=self.region,
            asked={**self.asked, **theirs},
            specs=other.specs if Part.SPECS in theirs else self.specs,
            on_demand=other.on_demand if Part.ON_DEMAND in theirs else self.on_demand,
            spot=other.spot if Part.SPOT in theirs else self.spot,
        )

    def to_json(self, part: Part) -> dict[str, JSON]:
        """A part, as JSON; it has been asked."""
        machines: dict[str, JSON]
        if part is Part.SPECS:
            machines = {name: _said(kind) for name, kind in self.specs.items()}
        elif part is Part.ON_DEMAND:
            machines = {name: _listed(price) for name, price in self.on_demand.items()}
        else:
            machines = {
                name: {zone: str(price) for zone, price in zones.items()}
                for name, zones in self.spot.items()
            }
        at = f"{self.asked[part]:%Y-%m-%dT%H:%M:%SZ}"
        return {"part": part.value, "region": self.region, "asked": at, "machines": machines}

    @classmethod
    def from_json(cls, record: Mapping[str, JSON]) -> Self:
        """A part, from JSON.

        Raises:
            FormatError: It is none.
        """
        try:
            part = Part(text(record, "part"))
        except ValueError as error:
            raise FormatError(f"there is no part {record.get('part')!r} of answers") from error
        found = mapping(record, "machines")
        told = {name: mapping(found, name) for name in found}
        return cls(
            region=text(record, "region"),
            asked={part: instant(record, "asked")},
            specs=_specs(told) if part is Part.SPECS else {},
            on_demand=_on_demand(told) if part is Part.ON_DEMAND else {},
            spot=_spot(told) if part is Part.SPOT else {},
        )


def _said(kind: MachineType) -> dict[str, JSON]:
    return {each.name: getattr(kind, each.name) for each in fields(kind) if each.name != "name"}


def _kind(name: str, told: Mapping[str, JSON]) -> MachineType:
    try:
        return MachineType(
            name=name,
            vcpus=int(told["vcpus"]),
            threads_per_core=int(told["threads_per_core"]),
            memory_gib=float(told["memory_gib"]),
            processor=str(told["processor"]),
            gpu=str(told["gpu"]),
            gpus=int(told["gpus"]),
            gpu_memory_gib=float(told["gpu_memory_gib"]),
            nvme_gb=int(told["nvme_gb"]),
            network_gbps=float(told["network_gbps"]),
            baseline_gbps=float(told["baseline_gbps"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{told!r:.200} is no machine type") from error


def _listed(price: Price) -> dict[str, JSON]:
    told = {name: getattr(price, name) for name in ("on_demand", "reserved_1y", "reserved_3y")}
    return {name: str(amount) for name, amount in told.items() if amount is not None}


_Told = Mapping[str, Mapping[str, JSON]]


def _specs(told: _Told) -> dict[str, MachineType]:
    return {name: _kind(name, each) for name, each in told.items()}


def _on_demand(told: _Told) -> dict[str, Price]:
    def listed(each: Mapping[str, JSON], name: str) -> Decimal | None:
        return usd(text(each, name)) if name in each else None

    return {
        name: Price(
            on_demand=listed(each, "on_demand"),
            reserved_1y=listed(each, "reserved_1y"),
            reserved_3y=listed(each, "reserved_3y"),
        )
        for name, each in told.items()
    }


def _spot(told: _Told) -> dict[str, dict[str, Decimal]]:
    return {name: {zone: usd(text(each, zone)) for zone in each} for name, each in told.items()}
