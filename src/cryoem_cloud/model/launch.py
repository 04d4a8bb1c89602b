"""A fleet that is about to be ordered, as the next courier finds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.record import JSON, integer, integers

__all__ = ["Launch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What is bought: so many machines (0: as many as the job may have), and beside which fleets.

    These are named by the numbers of their attempts. The newest launch of a job names all fleets
    that are kept with it; others are given up.
    """

    offer: Offer = field(default_factory=Offer)
    count: int = 0
    beside: tuple[int, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """As JSON; nothing where nothing is said."""
        return {
            **self.offer.to_json(),
            **({"count": self.count} if self.count else {}),
            **({"beside": list(self.beside)} if self.beside else {}),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> Self:
        """From JSON.

        Raises:
            FormatError: It is no launch.
        """
        return cls(
            offer=Offer.from_json(fields),
            count=integer(fields, "count", 0),
            beside=integers(fields, "beside"),
        )
