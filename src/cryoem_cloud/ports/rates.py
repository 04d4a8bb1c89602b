"""What machines cost, as whoever knows prices tells it."""

from collections.abc import Callable
from typing import TypeAlias

from cryoem_cloud.model.charge import Rate, Rented

__all__ = ["NO_RATES", "Rates"]

Rates: TypeAlias = Callable[[Rented], Rate | None]
"""The price of a machine; None where nobody knows it, or the machine costs nothing.

No network: a courier asks for each machine that it sees. A type whose own disks hold what is wanted
rents no more than its system's.
"""


def NO_RATES(_: Rented) -> Rate | None:  # noqa: N802  (a constant of that type)
    """No price is known."""
    return None
