"""Rented machines or a workstation: what each way to a structure costs, people's days included."""

from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.model.usd import ZERO, cents
from cryoem_cloud.planner.published.pipeline import pipeline
from cryoem_cloud.planner.published.replay import replayed

__all__ = [
    "PUBLISHED_AWS",
    "PUBLISHED_WORKSTATION",
    "SALARY_USD",
    "WORKING_DAYS",
    "Comparison",
    "Way",
    "Workstation",
]

_PUBLISHED = pipeline("10061")
WORKING_DAYS = _PUBLISHED.working_days
"""Of a year; the published comparison's."""
SALARY_USD = _PUBLISHED.salary_usd_year
"""Of a year; the published comparison's."""
_HOURS_A_YEAR = 8760


@dataclass(frozen=True, slots=True, kw_only=True)
class Workstation:
    """One that is bought; `utilisation` is the share of its years in which it computes.

    Power, room, repairs and an administrator are in none of these figures.
    """

    usd: Decimal
    years: Decimal = Decimal(_PUBLISHED.workstation_years)
    utilisation: Decimal = _PUBLISHED.workstation_used

    @property
    def hours(self) -> Decimal:
        """In which it computes, in all its years."""
        return self.years * _HOURS_A_YEAR * self.utilisation

    @property
    def usd_per_hour(self) -> Decimal:
        """Of an hour in which it computes."""
        return self.usd / self.hours

    def breaks_even_at(self, usd_per_hour: Decimal) -> Decimal:
        """The utilisation above which it is cheaper than a machine at that price, of equal speed.

        Above 1: it never is.
        """
        return self.usd / (usd_per_hour * self.years * _HOURS_A_YEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """To a structure: hours of machines, what they cost, and days that a person is at it."""

    hours: Decimal
    usd: Decimal
    days: Decimal
    storage_usd: Decimal = ZERO


_REPLAY = replayed(_PUBLISHED)
_PRINTED = _PUBLISHED.printed
PUBLISHED_AWS = Way(
    hours=_REPLAY.total_h,
    usd=_PRINTED.usd_in_summary,
    days=Decimal(_PRINTED.days),
    storage_usd=_REPLAY.storage_usd,
)
"""EMPIAR-10061 in 2018; the published net leaves storage out."""
PUBLISHED_WORKSTATION = Way(
    hours=_REPLAY.workstation_h,
    usd=_PRINTED.workstation_usd,
    days=Decimal(_PRINTED.workstation_days),
)
"""The same on a workstation; its price is that of 115 hours at $0.63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Of the two ways, with a salary for a year."""

    aws: Way
    workstation: Way
    salary_usd: Decimal = SALARY_USD
    structures: int = 1

    @property
    def usd_per_day(self) -> Decimal:
        """Of a person, for a working day; rounded to cents, as the published comparison does."""
        return cents(self.salary_usd / WORKING_DAYS)

    def people_usd(self, way: Way) -> Decimal:
        """What a person's days cost, for all structures."""
        return way.days * self.usd_per_day * self.structures

    def all_usd(self, way: Way, *, storage: bool) -> Decimal:
        """Machines and people, for all structures."""
        more = way.storage_usd if storage else ZERO
        return (way.usd + more) * self.structures + self.people_usd(way)

    def net_usd(self, *, storage: bool) -> Decimal:
        """By how much AWS costs more; below 0: less."""
        aws, ours = (self.all_usd(way, storage=storage) for way in (self.aws, self.workstation))
        return aws - ours
