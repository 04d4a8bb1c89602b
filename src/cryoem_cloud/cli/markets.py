"""The options by which a user wants Spot machines only, or none."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import click

from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.offer import Market

__all__ = ["market_options"]

_R = TypeVar("_R")


def market_options(command: Callable[..., _R]) -> Callable[..., _R]:
    """Give a command --spot and --on-demand; it gets the word of one of them as `market`, or None.

    A `market` that the command has an option of its own for is the same choice.

    Raises (the command): UsageError: both are wanted.
    """

    @wraps(command)
    def choosing(*, spot: bool, on_demand: bool, market: str | None = None, **given: object) -> _R:
        flags = {Market.SPOT.value: spot, Market.ON_DEMAND.value: on_demand}
        wanted = {word for word, is_wanted in flags.items() if is_wanted} | {market} - {None}
        if len(wanted) > 1:
            raise UsageError("Spot machines only and none are both wanted", hint="leave one out")
        return command(market=next(iter(wanted), None), **given)

    spot = click.option("--spot", is_flag=True, help="Only Spot machines.")
    on_demand = click.option("--on-demand", is_flag=True, help="No Spot machines.")
    return spot(on_demand(choosing))
