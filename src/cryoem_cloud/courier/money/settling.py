"""Settles what fleets that are gone have cost: their ends, and what was reserved for them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from cryoem_cloud.courier.known.tokens import job_of
from cryoem_cloud.courier.money.books import Books
from cryoem_cloud.model.charge import instant_text, whole
from cryoem_cloud.model.errors import ObjectMissingError
from cryoem_cloud.model.life import Life, months_of
from cryoem_cloud.model.usd import ZERO
from cryoem_cloud.planner.disk import disk_gib
from cryoem_cloud.ports.provider import LIMIT_S, Order, Provider
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["fleet_of_token", "hourly", "reserve_more", "settle", "spent_by"]

_HOUR_S = 3600
_MORE = "+"
"""Between a fleet's token and an instant: what was reserved for more time."""
_LONGEST = timedelta(days=7)
"""That --max-hours allows."""


def settle(provider: Provider, token: str, books: Books) -> bool:
    """Record the ends of a fleet's machines as the provider tells them, and release what it held.

    Whether that is done: all its machines must have ended. Again is the same.

    Raises:
        StoreError, ProviderError: Somebody does not tell.
    """
    fleet, job = provider.look(token), job_of(token)
    if fleet.alive or job is None:
        return job is None
    ledger = books.ledger
    records = JobRecords(ledger.store, ledger.project, job[1])
    try:
        order = _order(records, provider, token)
    except ObjectMissingError:  # nothing of the job is there any more
        return True
    if not books.look(fleet, order):
        return False
    log = BudgetLog(ledger.store, ledger.project)
    balance = log.read()
    for each in {*balance.reserved, *balance.spent}:
        if fleet_of_token(each) == token:
            log.release(each, spent_by(ledger, each), by=books.who)
    return True


def reserve_more(log: BudgetLog, ledger: Ledger, token: str, *, by_s: float, now: datetime) -> None:
    """Reserve what a fleet's machines cost that are there, for so much longer.

    Raises:
        BudgetError: It does not fit.
    """
    an_hour = sum((hourly(life) for life in _lives(ledger, token) if not life.over), ZERO)
    until = whole(now + timedelta(seconds=by_s))
    months = {month: an_hour * seconds / _HOUR_S for month, seconds in months_of(whole(now), until)}
    if any(months.values()):
        more = f"{token}{_MORE}{instant_text(until)}"
        log.reserve(more, months, until=until + _LONGEST, by="cryoem extend")


def fleet_of_token(token: str) -> str:
    """The fleet that something was reserved for, from the start or for more time."""
    return token.partition(_MORE)[0]


def spent_by(ledger: Ledger, token: str) -> Mapping[str, Decimal]:
    """What a fleet has cost, by month, as far as prices are known."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for life in _lives(ledger, token):
        for charge in life.charges(ledger.project):
            found[charge.month] += charge.usd or ZERO
    return dict(found)


def hourly(life: Life) -> Decimal:
    """What a machine costs an hour with its disk; 0 where nobody knows."""
    if life.rate is None:
        return ZERO
    return life.rate[1].whole_usd_per_hour


def _lives(ledger: Ledger, token: str) -> list[Life]:
    job = job_of(token)
    return [life for life in ledger.lives(job[1]) if life.token == token] if job else []


def _order(records: JobRecords, provider: Provider, token: str) -> Order:
    """What was ordered, as far as prices and limits follow from it."""
    job = records.job()
    order = Order(
        token=token,
        store=records.store.url,
        project=records.project,
        job=records.number,
        count=job.wish.count,
        limit_s=job.wish.hours * _HOUR_S or LIMIT_S,
        owner=job.submitter,
    )
    return replace(order, disk_gib=disk_gib(records.all_tasks())) if provider.sells else order
