"""Rented machines or a workstation: what each way to a structure costs, people's days included."""

from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.model.usd import ZERO, cents

__all__ = [
    "PUBLISHED_AWS",
    "PUBLISHED_WORKSTATION",
    "SALARY_USD",
    "WORKING_DAYS",
    "Comparison",
    "Way",
    "Workstation",
]

WORKING_DAYS = 260
"""Of a year; the published comparison's."""
SALARY_USD = Decimal(50_000)
"""Of a year; the published comparison's."""
_HOURS_A_YEAR = 8760


@dataclass(frozen=True, slots=True, kw_only=True)
class Workstation:
    """One that is bought; `utilisation` is the share of its years in which it computes.

    Power, room, repairs and an administrator are in none of these figures.
    """

    usd: Decimal
    years: Decimal = Decimal(3)
    utilisation: Decimal = Decimal("0.6")

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


PUBLISHED_AWS = Way(
    hours=Decimal("54.49"), usd=Decimal("688.17"), days=Decimal(5), storage_usd=Decimal("690.00")
)
"""EMPIAR-10061 in 2018, at the prices of November 2017; 30 TB for a month, which the published net
leaves out."""
PUBLISHED_WORKSTATION = Way(hours=Decimal("114.7"), usd=Decimal("72.45"), days=Decimal(10))
"""The same on a workstation of $10,000; 72.45 is 115 hours at $0.63."""


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
