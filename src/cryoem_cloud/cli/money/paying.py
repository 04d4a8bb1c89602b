"""What commands know of costs: the project's charges, and what exists now."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date
from decimal import Decimal

from cryoem_cloud.cli.jobs.fleets import Left, all_machines
from cryoem_cloud.courier.known.tokens import job_of
from cryoem_cloud.courier.money.books import Books
from cryoem_cloud.courier.money.settling import settle
from cryoem_cloud.model.charge import Charge, Rented
from cryoem_cloud.model.errors import CryoemError, FormatError, ObjectMissingError
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.units import plain
from cryoem_cloud.ports.rates import Rates
from cryoem_cloud.settings import Places, Settings, environment
from cryoem_cloud.stores.held_days import kept_sizes, look_at_holding
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger, priced
from cryoem_cloud.stores.remembered import Remembered
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.rates import rates_by
from cryoem_cloud.wiring.storage import prices_of
from cryoem_cloud.wiring.stores import store_at

__all__ = [
    "Running",
    "charges_of",
    "look_at_store",
    "rates_for",
    "running",
    "settle_cost",
    "stored_usd",
    "usd_per_hour_of",
    "with_groups",
]


_AT_ONCE = 16
"""Records that are read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A machine that is there, and what it costs with its disk; None: nobody knows, or nothing."""

    name: str
    where: str
    kind: str
    market: str
    project: str
    job: int
    usd_per_hour: Decimal | None

    def to_json(self) -> dict[str, JSON]:
        """For programs."""
        cost = self.usd_per_hour
        return {
            "name": self.name,
            "where": self.where,
            "type": self.kind,
            "market": self.market,
            "project": self.project,
            "job": self.job,
            "usd_an_hour": None if cost is None else f"{cost:f}",
        }


def rates_for(places: Places, project: Project | None) -> Rates:
    """Prices, by the project's settings."""
    folder = project.folder if project else None
    return rates_by(places, Settings.read(places, folder, environment()))


def _today() -> date:
    return SystemClock().now().astimezone(UTC).date()


def look_at_store(project: Project) -> None:
    """Have the ledger know what the store holds of a project today, where that costs anything."""
    store = store_at(project.store)
    look_at_holding(store, project.name, prices_of(store, Places.read(environment())), _today())


def charges_of(project: Project, job: int | None = None) -> tuple[Charge, ...]:
    """What a project has cost, or one of its jobs."""
    places = Places.read(environment())
    remembered = Remembered(places.cache / "ledgers")
    ledger = Ledger(store_at(project.store), project.name, remembered)
    return ledger.charges(job, rates=rates_for(places, project))


def usd_per_hour_of(project: Project, job: int) -> Decimal:
    """What a job's machines cost an hour that are not known to have ended, with their disks."""
    rates = rates_for(Places.read(environment()), project)
    lives = Ledger(store_at(project.store), project.name).lives(job)
    found = (priced(life, rates).rate for life in lives if not life.over)
    return sum((rate.whole_usd_per_hour for _, rate in filter(None, found)), Decimal(0))


def with_groups(project: Project, charges: Sequence[Charge]) -> list[Charge]:
    """With the Unix group of each job's submitter, where the job tells it; a request a job."""
    store, jobs = store_at(project.store), sorted({c.job for c in charges if c.job})

    def group(job: int) -> str:
        try:
            return plain(JobRecords(store, project.name, job).job().group)
        except (ObjectMissingError, FormatError):  # of a newer version, or gone
            return ""

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(jobs, pool.map(group, jobs), strict=True))
    return [replace(charge, group=found.get(charge.job, "")) for charge in charges]


def running(places: Places) -> list[Running]:
    """The machines of all providers that are there."""
    from cryoem_cloud.wiring.background import providers_of  # noqa: PLC0415  (heavy)

    rates, found = rates_for(places, None), []
    for each in all_machines(providers_of(places)):
        machine = each.machine
        if not each.lives:
            continue
        wanted = Rented(
            kind=machine.kind,
            where=each.where,
            region=machine.region,
            zone=machine.zone,
            market=machine.market,
        )
        rate = rates(wanted)
        found.append(
            Running(
                name=machine.name,
                where=each.where,
                kind=machine.kind,
                market=machine.market,
                project=each.project,
                job=each.job,
                usd_per_hour=rate.whole_usd_per_hour if rate else None,
            )
        )
    return found


def settle_cost(fleet: Left) -> None:
    """Record what a fleet that was just ended has cost, as far as that can be."""
    found = job_of(fleet.token)
    if not fleet.store or found is None:
        return
    books = Books(
        ledger=Ledger(store_at(fleet.store), found[0]),
        who="reap",
        where=fleet.where,
        sells=fleet.provider.sells,
        rates=rates_for(Places.read(environment()), None),
        clock=SystemClock(),
    )
    with suppress(CryoemError):  # the fleet is ended all the same
        settle(fleet.provider, fleet.token, books)


def stored_usd(project: Project) -> tuple[int, Decimal]:
    """The bytes that the store holds of a project, and what they cost a month; a listing.

    The ledger then knows them of today.
    """
    store, places = store_at(project.store), Places.read(environment())
    sizes, prices = kept_sizes(store, project.name), prices_of(store, places)
    look_at_holding(store, project.name, prices, _today(), sizes=sizes)
    known = {each.value: each for each in prices.classes}
    priced = (prices.month_usd(sizes[word], known[word]) for word in sizes if word in known)
    return sum(sizes.values()), sum(priced, Decimal(0))
