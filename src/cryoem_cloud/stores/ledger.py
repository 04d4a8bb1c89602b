"""What a project's jobs cost, in its store: what witnesses saw, each record written once.

Nothing is written over, so a write that lands late or twice does no harm, nor do two couriers. A
witness writes again now and then; what it wrote first and last say all that it knew.
"""

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from cryoem_cloud.model.carried import Carried
from cryoem_cloud.model.charge import Charge, Rented, Sighting, Witness, instant_text
from cryoem_cloud.model.errors import FormatError, ObjectExistsError, ObjectMissingError
from cryoem_cloud.model.holding import Holding, kept_charges
from cryoem_cloud.model.keys import (
    holding_key,
    ledger_prefix,
    measured_prefix,
    sighting_key,
    usage_key,
)
from cryoem_cloud.model.life import Life, lives
from cryoem_cloud.model.usage import Usage, asked_together
from cryoem_cloud.ports.rates import NO_RATES, Rates
from cryoem_cloud.ports.store import Listed, Store
from cryoem_cloud.stores.remembered import Remembered
from cryoem_cloud.stores.whole import reading

__all__ = ["Ledger", "priced"]

_LOG = logging.getLogger(__name__)

_AT_ONCE = 16
"""Records that are read at a time."""
_END = "-end"
_NO_KEY = {ord(":"): None, ord("-"): None}
"""Keys have no colons."""
_MACHINES, _USAGE, _HOLDINGS = "machines", "usage", "store"
"""Words of keys (`model.keys`): behind the job's number, and instead of one."""


R = TypeVar("R", Sighting, Carried, Usage, Holding)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Items:
    """Those that have to be read, by what lies there."""

    machines: tuple[Listed, ...]
    usage: tuple[Listed, ...]
    carried: tuple[Listed, ...]
    holdings: tuple[Listed, ...]

    @property
    def all(self) -> tuple[Listed, ...]:
        """Of whatever kind."""
        return (*self.machines, *self.usage, *self.carried, *self.holdings)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One look at the ledger: what was read before, and what was read now, by key."""

    before: Mapping[str, bytes]
    now: dict[str, bytes] = field(default_factory=dict)


class Ledger:
    """One project's records of cost; what was read before of them may be `remembered`."""

    def __init__(self, store: Store, project: str, remembered: Remembered | None = None) -> None:
        self.store = store
        self.project = project
        self._remembered = remembered or Remembered()

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

    def put_usage(self, usage: Usage, number: int) -> None:
        """Record what an asker has asked until now, for the so-many-th time; again is the same."""
        key = usage_key(self.project, usage.job, usage.asker, month=usage.month, number=number)
        with suppress(ObjectExistsError):
            self.store.put(key, usage.to_bytes(), if_absent=True)

    def knows(self, day: date) -> bool:
        """Whether somebody has looked at what the store holds on that day; a request."""
        try:
            self.store.size(holding_key(self.project, day.isoformat()))
        except ObjectMissingError:
            return False
        return True

    def put_holding(self, holding: Holding) -> None:
        """Record what the store holds; the first word of a day stands."""
        key = holding_key(self.project, holding.day.isoformat())
        with suppress(ObjectExistsError):
            self.store.put(key, holding.to_bytes(), if_absent=True)

    def lives(self, job: int | None = None) -> tuple[Life, ...]:
        """The machines' lives, of one job or of all; a listing, and two requests a witness."""
        machines = self._items(job).machines
        seen = self._read(machines, Sighting, _Reading({}))
        return tuple(life for _, life in sorted(lives(seen).items()))

    def charges(self, job: int | None = None, *, rates: Rates = NO_RATES) -> tuple[Charge, ...]:
        """What all that is known cost, of one job or of all; keeping files is no job's.

        Of all, a listing, and a request for each record that is not remembered.
        """
        items, project = self._items(job), self.project
        url, all_ = self.store.url, items.all if job is None else ()
        look = _Reading(self._remembered.records(url, project, all_) if all_ else {})
        seen = self._read(items.machines, Sighting, look)
        usage = asked_together(self._read(items.usage, Usage, look))
        home = self._read(items.carried, Carried, look)
        holdings = self._read(items.holdings, Holding, look)
        if all_:
            self._remembered.keep(url, project, look.now, among=all_)
        found = [life for _, life in sorted(lives(seen).items())]
        users = {life.job: life.submitter for life in found if life.submitter}
        asked = (charge for _, each in sorted(usage.items()) for charge in each.charges(project))
        return (
            *(charge for life in found for charge in priced(life, rates).charges(project)),
            *(each.charge(project) for each in home if each.size and each.usd_per_gb),
            *(replace(c, submitter=c.submitter or users.get(c.job, "")) for c in asked),
            *kept_charges(holdings, project),
        )

    def _items(self, job: int | None) -> _Items:
        """What has to be read: of each writer what says all."""
        prefix = ledger_prefix(self.project)
        below = prefix if job is None else f"{prefix}{job:08d}/"
        seen: dict[str, list[Listed]] = {}
        usage: dict[str, Listed] = {}
        carried, holdings = [], []
        for item in self.store.list(below):
            first, kind, *_ = [*item.key.removeprefix(prefix).split("/"), ""]
            if first == _HOLDINGS:
                holdings.append(item)
            elif kind == _MACHINES:
                seen.setdefault(item.key.rpartition("/")[0], []).append(item)
            elif kind == _USAGE:
                usage[item.key.rpartition("-")[0]] = item  # the last one has all
            elif not item.key.startswith(measured_prefix(self.project)):
                carried.append(item)
        return _Items(
            machines=tuple(item for items in seen.values() for item in _telling(items)),
            usage=tuple(usage.values()),
            carried=tuple(carried),
            holdings=tuple(holdings),
        )

    def _read(self, items: Iterable[Listed], kind: type[R], look: _Reading) -> list[R]:
        """The records; one that cannot be read is left out, as a machine may have written it."""

        def read(key: str) -> R | None:
            data = self.store.get(key)
            found = self._record(key, data, kind)
            if found is not None:
                look.now[key] = data
            return found

        keys, before = [item.key for item in items], look.before
        found = {key: self._record(key, before[key], kind) for key in keys if key in before}
        new = [key for key in keys if key not in before]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            found.update(zip(new, pool.map(read, new), strict=True))
        return [each for each in map(found.get, keys) if each is not None]

    def _record(self, key: str, data: bytes, kind: type[R]) -> R | None:
        """One of that kind; None where it is none, or not what its key says."""
        try:
            with reading(key):
                found = kind.from_bytes(data)
                _require_own(key.removeprefix(ledger_prefix(self.project)), found)
                return found
        except FormatError as error:
            _LOG.warning("left out of the ledger: %s", error)
            return None


def _require_own(name: str, found: Sighting | Carried | Usage | Holding) -> None:
    """See to it that a record speaks of what its key says, and as the witness who has that key."""
    place = f"{_HOLDINGS}/{found.day}" if isinstance(found, Holding) else f"{found.job:08d}"
    other = False
    if isinstance(found, Sighting) and found.witness is not Witness.COURIER:
        other = name.split("/")[-2] != found.witness.value
    if other or not f"{name}/".startswith(f"{place}/"):
        raise FormatError("it speaks of something else than its key")


def _telling(items: list[Listed]) -> Iterable[Listed]:
    """Of a witness's records in order, those that say all: the first, the last, and all ends."""
    ends = (item for item in items if item.key.endswith(_END))
    return dict.fromkeys((items[0], *ends, items[-1]))


def priced(life: Life, rates: Rates) -> Life:
    """With a price of today, where none was told when it was seen."""
    if life.rate or not life.kind or life.begin is None:
        return life
    wanted = Rented(
        kind=life.kind, where=life.where, region=life.region, zone=life.zone, market=life.market
    )
    rate = rates(wanted)
    return replace(life, rate=(life.begin, rate)) if rate else life
