"""What a project's jobs cost, in its store: what witnesses saw, each record written once.

Nothing is written over, so a write that lands late or twice does no harm, nor do two couriers. A
witness writes again now and then; what it wrote first and last say all that it knew.
"""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Self, TypeVar

from cryoem_cloud.model.charge import Charge, Rented, Sighting, What, Witness, instant_text
from cryoem_cloud.model.errors import FormatError, ObjectExistsError
from cryoem_cloud.model.keys import carried_key, ledger_prefix, measured_prefix, sighting_key
from cryoem_cloud.model.life import Life, lives
from cryoem_cloud.model.record import decode, encode, instant, integer, text
from cryoem_cloud.model.usd import usd
from cryoem_cloud.ports.rates import NO_RATES, Rates
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.whole import reading

__all__ = ["Carried", "Ledger", "priced"]

_LOG = logging.getLogger(__name__)

_AT_ONCE = 16
"""Records that are read at a time."""
_GB = 10**9
_END = "-end"
_NO_KEY = {ord(":"): None, ord("-"): None}
"""Keys have no colons."""
_MACHINE_PARTS = 5
"""Of a sighting's key behind the ledger's prefix: job, `machines`, name, writer, instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What one courier has brought home of one job, and what a GB (10**9 bytes) of it cost."""

    job: int
    at: datetime
    size: int
    usd_per_gb: Decimal
    submitter: str = ""

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "carried",
            {
                "job": self.job,
                "at": instant_text(self.at),
                "bytes": self.size,
                "usd_per_gb": f"{self.usd_per_gb:f}",
                "submitter": self.submitter,
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such record.
        """
        fields = decode("carried", data)
        return cls(
            job=integer(fields, "job"),
            at=instant(fields, "at"),
            size=integer(fields, "bytes"),
            usd_per_gb=usd(text(fields, "usd_per_gb")),
            submitter=text(fields, "submitter", ""),
        )

    def charge(self, project: str) -> Charge:
        """What it cost."""
        gigabytes = Decimal(self.size) / _GB
        return Charge(
            what=What.EGRESS,
            project=project,
            job=self.job,
            month=f"{self.at:%Y-%m}",
            usd=gigabytes * self.usd_per_gb,
            submitter=self.submitter,
            gigabytes=gigabytes,
            source="the store's list price",
        )


R = TypeVar("R", Sighting, Carried)


class Ledger:
    """One project's records of cost."""

    def __init__(self, store: Store, project: str) -> None:
        self.store = store
        self.project = project

    def put(self, seen: Sighting, writer: str) -> None:
        """Record what a witness saw; again is the same.

        `writer` names a courier; of a machine's agent and of a provider there is but one.
        """
        name = writer if seen.witness is Witness.COURIER else seen.witness.value
        instant = instant_text(seen.until or seen.since).translate(_NO_KEY)
        at = instant + (_END if seen.ended else "")
        key = sighting_key(self.project, seen.job, seen.machine, writer=name, at=at)
        with suppress(ObjectExistsError):
            self.store.put(key, seen.to_bytes(), if_absent=True)

    def put_carried(self, carried: Carried, writer: str) -> None:
        """Record what a courier has brought home; the first word stands."""
        key = carried_key(self.project, carried.job, writer)
        with suppress(ObjectExistsError):
            self.store.put(key, carried.to_bytes(), if_absent=True)

    def lives(self, job: int | None = None) -> tuple[Life, ...]:
        """The machines' lives, of one job or of all; a listing, and two requests a witness."""
        keys, _ = self._keys(job)
        return tuple(life for _, life in sorted(lives(self._read(keys, Sighting)).items()))

    def charges(self, job: int | None = None, *, rates: Rates = NO_RATES) -> tuple[Charge, ...]:
        """What all that is known cost, of one job or of all."""
        machines, carried = self._keys(job)
        found = sorted(lives(self._read(machines, Sighting)).items())
        home = self._read(carried, Carried)
        return (
            *(charge for _, life in found for charge in priced(life, rates).charges(self.project)),
            *(each.charge(self.project) for each in home if each.size and each.usd_per_gb),
        )

    def _keys(self, job: int | None) -> tuple[list[str], list[str]]:
        """The keys that have to be read: of each witness the first and the last; what came home."""
        prefix = ledger_prefix(self.project)
        below = prefix if job is None else f"{prefix}{job:08d}/"
        ends: dict[str, list[str]] = {}
        carried = []
        for item in self.store.list(below):
            parts = item.key.removeprefix(prefix).split("/")
            if len(parts) == _MACHINE_PARTS:
                ends.setdefault(item.key.rpartition("/")[0], []).append(item.key)
            elif not item.key.startswith(measured_prefix(self.project)):
                carried.append(item.key)
        return [key for keys in ends.values() for key in _telling(keys)], carried

    def _read(self, keys: Iterable[str], kind: type[R]) -> list[R]:
        """The records; one that cannot be read is left out, as a machine may have written it."""

        def read(key: str) -> R | None:
            try:
                with reading(key):
                    return kind.from_bytes(self.store.get(key))
            except FormatError as error:
                _LOG.warning("left out of the ledger: %s", error)
                return None

        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return [found for found in pool.map(read, keys) if found is not None]


def _telling(keys: list[str]) -> Iterable[str]:
    """Of a witness's records in order, those that say all: the first, the last, and all ends."""
    return dict.fromkeys((keys[0], *(key for key in keys if key.endswith(_END)), keys[-1]))


def priced(life: Life, rates: Rates) -> Life:
    """With a price of today, where none was told when it was seen."""
    if life.rate or not life.kind or life.begin is None:
        return life
    wanted = Rented(
        kind=life.kind, where=life.where, region=life.region, zone=life.zone, market=life.market
    )
    rate = rates(wanted)
    return replace(life, rate=(life.begin, rate)) if rate else life
