"""What machines cost: what witnesses saw of them, as it is stored, and what follows in dollars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import ClassVar, Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.record import JSON, decode, encode, instant, natural, text
from cryoem_cloud.model.units import visible
from cryoem_cloud.model.usd import ZERO, price

__all__ = [
    "MONTH_H",
    "Charge",
    "Rate",
    "Rented",
    "Sighting",
    "What",
    "Witness",
    "instant_text",
    "said",
    "whole",
]


MONTH_H = 730
"""An average month of a list price, in hours."""

_YEARS = range(2000, 2100)
"""In which machines are there; what says another was not written by us, nor what is beyond"""
_LONGEST_S = 10 * 366 * 24 * 3600
_LARGEST_GIB = 2**24


class Witness(Enum):
    """Who saw a machine. The values are words of stored records."""

    AGENT = "agent"
    """Its own agent, by the machine's clocks."""
    COURIER = "courier"
    """A courier that saw it among the machines that the provider lists."""
    PROVIDER = "provider"
    """The provider, which a courier asked: its word on launch and end is final."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Rate:
    """What a machine costs: US dollars an hour, and what its rented disk costs besides.

    `source` says whose price that is, and of which day. `disk_usd` is a GiB's for a month (730 h).
    `least_s` is billed of each machine at least (EC2: 60 s). `address_usd` is an hour of its public
    address.
    """

    usd_per_hour: Decimal
    source: str
    disk_gib: int = 0
    disk_usd: Decimal = ZERO
    least_s: int = 0
    address_usd: Decimal = ZERO

    @property
    def disk_usd_per_hour(self) -> Decimal:
        """An hour of its disk."""
        return self.disk_usd * self.disk_gib / MONTH_H

    @property
    def whole_usd_per_hour(self) -> Decimal:
        """An hour of the machine with all that it has."""
        return self.usd_per_hour + self.disk_usd_per_hour + self.address_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Rented:
    """A machine whose price is asked for; `where` is its provider's name.

    `zone` is "" where it is not known yet, `market` one of `model.offer.MARKETS` ("": the provider
    has but one). `disk_gib` is what it is to hold beside its system.
    """

    kind: str
    where: str
    region: str = ""
    zone: str = ""
    market: str = ""
    disk_gib: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one witness knows of one machine, to whole seconds.

    It was there from `since` to `until` at least; with `ended`, no longer than that. Of a provider
    these are launch and end; None where a witness does not know them. `limit_s` is the longest that
    it may be there (0: nobody knows). Texts are empty where the witness does not know.
    """

    machine: str
    job: int
    witness: Witness
    since: datetime | None
    until: datetime | None
    ended: bool = False
    limit_s: int = 0
    token: str = ""
    submitter: str = ""
    where: str = ""
    kind: str = ""
    market: str = ""
    region: str = ""
    zone: str = ""
    rate: Rate | None = None

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "sighting",
            {
                "machine": self.machine,
                "job": self.job,
                "witness": self.witness.value,
                "since": instant_text(self.since),
                "until": instant_text(self.until),
                "ended": self.ended,
                "limit_s": self.limit_s,
                "token": self.token,
                "submitter": self.submitter,
                "where": self.where,
                "type": self.kind,
                "market": self.market,
                "region": self.region,
                "zone": self.zone,
                **(_rate_to_json(self.rate) if self.rate else {}),
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no sighting.
        """
        fields = decode("sighting", data)
        try:
            witness = Witness(fields.get("witness"))
        except ValueError as error:
            raise FormatError(f"an unknown witness: {fields.get('witness')!r}") from error
        return cls(
            machine=visible(text(fields, "machine")),
            job=natural(fields, "job"),
            witness=witness,
            since=_maybe(fields, "since"),
            until=_maybe(fields, "until"),
            ended=bool(fields.get("ended", False)),
            limit_s=_within(fields, "limit_s", _LONGEST_S),
            token=said(fields, "token"),
            submitter=said(fields, "submitter"),
            where=said(fields, "where"),
            kind=said(fields, "type"),
            market=said(fields, "market"),
            region=said(fields, "region"),
            zone=said(fields, "zone"),
            rate=_rate_from_json(fields) if "usd_per_hour" in fields else None,
        )


class What(Enum):
    """What is paid for. The values are words of answers for programs."""

    MACHINE = "machine"
    DISK = "disk"
    ADDRESS = "address"
    """A machine's, in the internet."""
    STORE = "store"
    """Files that are kept there."""
    REQUESTS = "requests"
    EGRESS = "egress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """So many dollars of one month, for one thing of one job, or of the project as a whole: job 0.

    `month` is as 2026-11, UTC. `usd` is None where nobody knows a price. `seconds` are a machine's,
    as they are billed; `gigabytes` (2**30 bytes) what was brought home, `gb_months` what a disk or
    the store has held for how long (a month of a disk has 730 h; of the store `kind` is the class);
    `requests` those to the store. `group` is the submitter's Unix group, where the job tells it and
    somebody asked.
    """

    what: What
    project: str
    job: int
    month: str
    usd: Decimal | None
    submitter: str = ""
    group: str = ""
    machine: str = ""
    kind: str = ""
    market: str = ""
    region: str = ""
    seconds: int = 0
    gigabytes: Decimal = ZERO
    gb_months: Decimal = ZERO
    requests: int = 0
    source: str = ""

    NAMES: ClassVar = (
        *("what", "project", "job", "month", "user", "machine", "type", "market", "region"),
        *("seconds", "gigabytes", "usd", "price", "group", "gb_months", "requests"),
    )
    """Of its fields, for programs."""

    def to_json(self) -> dict[str, JSON]:
        """For programs."""
        return {
            "what": self.what.value,
            "project": self.project,
            "job": self.job,
            "month": self.month,
            "user": self.submitter,
            "machine": self.machine,
            "type": self.kind,
            "market": self.market,
            "region": self.region,
            "seconds": self.seconds,
            "gigabytes": f"{self.gigabytes:f}",
            "usd": None if self.usd is None else f"{self.usd:f}",
            "price": self.source,
            "group": self.group,
            "gb_months": f"{self.gb_months:f}",
            "requests": self.requests,
        }


def whole(at: datetime) -> datetime:
    """The instant's second, in UTC."""
    return at.astimezone(UTC).replace(microsecond=0)


def instant_text(at: datetime | None) -> str:
    """As records have it; "" for none."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def said(fields: Mapping[str, JSON], name: str) -> str:
    """A text on one line, of which a terminal obeys nothing: a machine may have written it."""
    return visible(text(fields, name, ""))


def _maybe(fields: Mapping[str, JSON], name: str) -> datetime | None:
    if not text(fields, name, ""):
        return None
    found = instant(fields, name)
    if found.year not in _YEARS:
        raise FormatError(f"field {name!r} is of the year {found.year}")
    return found


def _within(fields: Mapping[str, JSON], name: str, most: int) -> int:
    found = natural(fields, name, 0)
    if found > most:
        raise FormatError(f"field {name!r} is beyond {most}: {found}")
    return found


def _rate_to_json(rate: Rate) -> dict[str, JSON]:
    return {
        "usd_per_hour": f"{rate.usd_per_hour:f}",
        "price": rate.source,
        "disk_gib": rate.disk_gib,
        "disk_usd": f"{rate.disk_usd:f}",
        "least_s": rate.least_s,
        "address_usd": f"{rate.address_usd:f}",
    }


def _rate_from_json(fields: Mapping[str, JSON]) -> Rate:
    return Rate(
        usd_per_hour=price(text(fields, "usd_per_hour")),
        source=said(fields, "price"),
        disk_gib=_within(fields, "disk_gib", _LARGEST_GIB),
        disk_usd=price(text(fields, "disk_usd", "0")),
        least_s=_within(fields, "least_s", _LONGEST_S),
        address_usd=price(text(fields, "address_usd", "0")),
    )
