"""How many machines an account may have at a time, as far as its provider counts them."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cryoem_cloud.model.machine_type import Listing
from cryoem_cloud.model.offer import Market

__all__ = ["Allowance", "beyond", "is_of"]

_FAMILY = re.compile(r"(?P<letters>[a-z]+)\d*")


def is_of(kind: str, families: Collection[str]) -> bool:
    """Whether a machine type is of one of the families.

    A family is what its name begins with, its letters (`g`) or these and its generation (`p5`).
    """
    found = _FAMILY.match(kind)
    return found is not None and (found["letters"] in families or found[0] in families)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """So many vCPUs of some families in a market of a region.

    `whose` names the families for people; `more`, followed by a number of vCPUs, is the command
    that asks the provider for as many.
    """

    region: str
    market: Market
    families: frozenset[str]
    vcpus: int
    whose: str
    more: str


def beyond(
    listing: Listing, market: Market, machines: int, allowances: Iterable[Allowance]
) -> Allowance | None:
    """What so many such machines would pass; None: they may be had, or nobody counts them."""
    return next(
        (
            each
            for each in allowances
            if (each.region, each.market) == (listing.region, market)
            and is_of(listing.kind.name, each.families)
            and listing.kind.vcpus * machines > each.vcpus
        ),
        None,
    )
