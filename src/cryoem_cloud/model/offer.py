"""What a provider can sell: machine types, and at which of its prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.record import JSON, text, texts

__all__ = ["MARKETS", "Market", "Offer"]


class Market(Enum):
    """At which of a provider's prices a machine is bought."""

    SPOT = "spot"
    """Cheaper; the provider may take the machine away."""
    ON_DEMAND = "on-demand"


MARKETS = tuple(market.value for market in Market)
"""Their names, as users give them."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Machine types of which any would do, the best one first, in one market.

    Without kinds, and without a market, it is what the provider has.
    """

    kinds: tuple[str, ...] = ()
    market: Market | None = None

    def to_json(self) -> dict[str, JSON]:
        """As JSON; nothing where nothing is said."""
        market = {"market": self.market.value} if self.market else {}
        return {**({"kinds": list(self.kinds)} if self.kinds else {}), **market}

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> Self:
        """From JSON.

        Raises:
            FormatError: It names a market that there is not.
        """
        market = text(fields, "market", "")
        try:
            return cls(texts(fields, "kinds"), Market(market) if market else None)
        except ValueError as error:
            raise FormatError(f"there is no market {market!r}") from error
