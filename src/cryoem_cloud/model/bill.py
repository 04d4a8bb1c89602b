"""Charges, summed up and as people read them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from cryoem_cloud.model.charge import Charge, What
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.units import human_duration
from cryoem_cloud.model.usd import ZERO, about

__all__ = ["BY", "Sum", "in_a_line", "shown", "summed"]

BY: Mapping[str, Callable[[Charge], str]] = {
    "job": lambda charge: f"{charge.job}" if charge.job else "project",
    "project": lambda charge: charge.project,
    "user": lambda charge: charge.submitter or "unknown",
    "group": lambda charge: charge.group or "unknown",
    "month": lambda charge: charge.month,
    "market": lambda charge: charge.market or "none",
    "type": lambda charge: charge.kind or "none",
}
"""What charges are summed up by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Charges of one kind of thing together; `unpriced_s` are machine-seconds of unknown price."""

    name: str
    seconds: int = 0
    machines: Decimal = ZERO
    disks: Decimal = ZERO
    addresses: Decimal = ZERO
    store: Decimal = ZERO
    requests: Decimal = ZERO
    egress: Decimal = ZERO
    unpriced_s: int = 0

    @property
    def parts(self) -> Mapping[str, Decimal]:
        """What it is made of, by words for people."""
        return {
            "machines": self.machines,
            "disks": self.disks,
            "addresses": self.addresses,
            "kept": self.store,
            "requests": self.requests,
            "home": self.egress,
        }

    @property
    def usd(self) -> Decimal:
        """All of it."""
        return sum(self.parts.values(), ZERO)

    def to_json(self) -> dict[str, JSON]:
        """For programs."""
        return {
            "name": self.name,
            "machine_s": self.seconds,
            "machines_usd": f"{self.machines:f}",
            "disks_usd": f"{self.disks:f}",
            "addresses_usd": f"{self.addresses:f}",
            "store_usd": f"{self.store:f}",
            "requests_usd": f"{self.requests:f}",
            "egress_usd": f"{self.egress:f}",
            "usd": f"{self.usd:f}",
            "unpriced_s": self.unpriced_s,
        }


def summed(charges: Iterable[Charge], by: str = "", *, name: str = "in all") -> list[Sum]:
    """The sums by one of BY, in order of names, numbers by size; without it one of all."""
    key = BY[by] if by else lambda _: name
    found: dict[str, list[Charge]] = {}
    for charge in charges:
        found.setdefault(key(charge), []).append(charge)
    names = sorted(found, key=lambda each: (int(each) if each.isdigit() else 0, each))
    return [_sum(each, found[each]) for each in names]


def shown(sums: Iterable[Sum]) -> tuple[str, ...]:
    """The parts that are worth a column: machines, and what is anything in one of them."""
    found = tuple(sums)
    words = Sum(name="").parts
    return tuple(word for word in words if word == "machines" or any(s.parts[word] for s in found))


def in_a_line(charges: Iterable[Charge]) -> str:
    """What they cost: `$1.25 so far: machines 52 min, $1.20; disks $0.05`; "" for nothing."""
    found = summed(charges)
    if not found:
        return ""
    (all_,) = found
    lasts = human_duration(timedelta(seconds=all_.seconds))
    parts = [f"machines {lasts}, {about(all_.machines)}"]
    words = {**all_.parts, "brought home": all_.parts["home"]}
    for word in ("disks", "addresses", "kept", "requests", "brought home"):
        parts += [f"{word} {about(words[word])}"] if words[word] else []
    if all_.unpriced_s:
        unknown = human_duration(timedelta(seconds=all_.unpriced_s))
        parts.append(f"of {unknown} no price is known")
    return f"{about(all_.usd)}: {'; '.join(parts)}"


def _sum(name: str, charges: Iterable[Charge]) -> Sum:
    usd = dict.fromkeys(What, ZERO)
    seconds = unpriced_s = 0
    for charge in charges:
        usd[charge.what] += charge.usd or ZERO
        if charge.what is What.MACHINE:
            seconds += charge.seconds
            unpriced_s += charge.seconds if charge.usd is None else 0
    return Sum(
        name=name,
        seconds=seconds,
        machines=usd[What.MACHINE],
        disks=usd[What.DISK],
        addresses=usd[What.ADDRESS],
        store=usd[What.STORE],
        requests=usd[What.REQUESTS],
        egress=usd[What.EGRESS],
        unpriced_s=unpriced_s,
    )
