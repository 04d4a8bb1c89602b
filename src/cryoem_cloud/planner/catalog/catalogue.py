"""A catalogue: what is sold where at which price, and of which day that is."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from cryoem_cloud.model.answers import Answers, Part
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.machine_type import Listing, MachineType, Price
from cryoem_cloud.planner.catalog import tables

__all__ = ["Catalogue", "published", "snapshot"]

_MOMENT = "%Y-%m-%d %H:%M UTC"
_DIGITS = 6
"""Of a dollar, as the tables have means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Listings, and their day: what no fresher answer has told is of that day.

    `asked` has, by region, when the provider itself told what stands there instead.
    """

    day: str
    listings: tuple[Listing, ...]
    asked: Mapping[str, Mapping[Part, datetime]] = field(default_factory=dict)

    @property
    def regions(self) -> tuple[str, ...]:
        """Those that something is listed in, in the order of the listings."""
        return tuple(dict.fromkeys(each.region for each in self.listings))

    @property
    def gpus(self) -> tuple[str, ...]:
        """The models of GPUs."""
        return tuple(sorted({each.kind.gpu for each in self.listings} - {""}))

    def only(self, region: str) -> "Catalogue":
        """What is sold there."""
        return replace(self, listings=tuple(x for x in self.listings if x.region == region))

    def beside(self, other: "Catalogue") -> "Catalogue":
        """With another one's listings and answers after these; they are of one day."""
        asked = {**self.asked, **other.asked}
        return replace(self, listings=self.listings + other.listings, asked=asked)

    def named(self, kind: str, region: str) -> Listing | None:
        """A machine type in a region; None: it is not sold there, or nobody would rent it."""
        return next((x for x in self.listings if (x.kind.name, x.region) == (kind, region)), None)

    def with_gpu(self, model: str) -> "Catalogue":
        """What has GPUs of that model, as users write it: `l40s`, `rtx pro 6000`.

        Raises:
            UsageError: No machine type here has such.
        """
        words = set(_words(model))
        exact = [each for each in self.gpus if _squeezed(each) == _squeezed(model)]
        found = exact or [each for each in self.gpus if words and words <= set(_words(each))]
        if not found:
            raise UsageError(
                f"no machine type has a GPU {model!r}", hint=f"known are {', '.join(self.gpus)}"
            )
        return replace(self, listings=tuple(x for x in self.listings if x.kind.gpu in found))

    def discounted(self, factor: Decimal) -> "Catalogue":
        """All prices times the factor: what an account with a discount pays.

        Raises:
            UsageError: It is not above 0 and at most 1.
        """
        if not 0 < factor <= 1:
            raise UsageError(f"a discount leaves a share of the price, not {factor} of it")
        if factor == 1:
            return self
        lower = tuple(replace(x, price=_times(x.price, factor)) for x in self.listings)
        return replace(self, listings=lower)

    def within(self, region: str, zones: Collection[str]) -> "Catalogue":
        """Of a region where machines may be in these zones alone, given by their ids.

        What Spot does not sell in them is not sold on Spot; where no zones' prices are known, the
        mean over all of them stays.
        """
        if not zones:
            return self
        return replace(
            self,
            listings=tuple(
                replace(x, price=_in_zones(x.price, zones)) if x.region == region else x
                for x in self.listings
            ),
        )

    def renewed(self, answers: Answers, now: datetime) -> "Catalogue":
        """With the provider's answers about a region before what stood here, where they are fresh.

        A machine type that is not sold there any more is left out; one that is new comes in.
        """
        fresh = {part: at for part, at in answers.asked.items() if answers.fresh(part, now)}
        if not fresh:
            return self
        before = {x.kind.name: x for x in self.listings if x.region == answers.region}
        after = tuple(_renewed(before, answers, fresh))
        at = next((i for i, x in enumerate(self.listings) if x.region == answers.region), None)
        others = tuple(x for x in self.listings if x.region != answers.region)
        place = len(others) if at is None else at
        return replace(
            self,
            listings=(*others[:place], *after, *others[place:]),
            asked={**self.asked, answers.region: fresh},
        )

    @property
    def stamp(self) -> str:
        """Of when all this is, for people."""
        told = [
            f"{region}: {_parts(asked)} (AWS's answers)"
            for region, asked in self.asked.items()
            if region in self.regions
        ]
        return "; ".join([*told, f"{'all else ' if told else ''}of {self.day}"])

    @property
    def told(self) -> str:
        """Of which regions, and of when, all this is; each region is named once."""
        return ", ".join([*(each for each in self.regions if each not in self.asked), self.stamp])


def snapshot(*regions: str) -> Catalogue:
    """The catalogue in the package; of all regions where none is named.

    Raises:
        UsageError: It does not have one of them.
    """
    chosen = regions or tables.REGIONS
    found = tuple(each for region in chosen for each in tables.listings(region))
    return Catalogue(day=tables.DAY, listings=found)


def published() -> Catalogue:
    """What the published comparison could rent, at the prices of its day; without Spot."""
    return Catalogue(day=tables.DAY_2017, listings=tables.listings_2017())


def _renewed(
    before: Mapping[str, Listing], answers: Answers, fresh: Mapping[Part, datetime]
) -> Iterable[Listing]:
    """The region's listings, the known ones first."""
    sold = answers.on_demand if Part.ON_DEMAND in fresh else before
    for name in (*(x for x in before if x in sold), *(x for x in sold if x not in before)):
        old = before.get(name)
        told = answers.specs.get(name) if Part.SPECS in fresh else None
        kind = _kind(old.kind if old else None, told)
        price = _price(name, old.price if old else Price(), answers, fresh)
        if kind is not None:
            yield Listing(kind=kind, region=answers.region, price=price)


def _kind(old: MachineType | None, told: MachineType | None) -> MachineType | None:
    """AWS does not tell processors' names; those of the table stay."""
    if told is None:
        return old
    return replace(told, processor=old.processor if old else told.processor)


def _price(name: str, price: Price, answers: Answers, fresh: Mapping[Part, datetime]) -> Price:
    if Part.ON_DEMAND in fresh:
        listed = answers.on_demand.get(name, Price())
        price = replace(listed, spot=price.spot, zones=price.zones)
    if Part.SPOT in fresh:
        zones = answers.spot.get(name, {})
        price = replace(price, spot=_mean(zones), zones=zones)
    return price


def _in_zones(price: Price, zones: Collection[str]) -> Price:
    if not price.zones:
        return price
    left = {zone: usd for zone, usd in price.zones.items() if zone in zones}
    return replace(price, zones=left, spot=_mean(left))


def _mean(zones: Mapping[str, Decimal]) -> Decimal | None:
    return round(sum(zones.values()) / Decimal(len(zones)), _DIGITS) if zones else None


def _times(price: Price, factor: Decimal) -> Price:
    def lower(usd: Decimal | None) -> Decimal | None:
        return None if usd is None else usd * factor

    return Price(
        on_demand=lower(price.on_demand),
        spot=lower(price.spot),
        reserved_1y=lower(price.reserved_1y),
        reserved_3y=lower(price.reserved_3y),
        zones={zone: usd * factor for zone, usd in price.zones.items()},
    )


def _parts(asked: Mapping[Part, datetime]) -> str:
    return ", ".join(f"{part.value} of {at:{_MOMENT}}" for part, at in asked.items())


def _words(model: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", model.lower())


def _squeezed(model: str) -> str:
    return "".join(_words(model))
