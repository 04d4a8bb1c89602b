"""Times, sums and rates as users type them in options."""

from collections.abc import Callable
from decimal import Decimal

import click

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.units import hours_of, size_of
from cryoem_cloud.model.usd import usd

__all__ = ["MONEY", "RATE", "TIME"]


class _Said(click.ParamType[object]):
    """What one of our functions makes of a word."""

    def __init__(self, name: str, made: Callable[[str], object], example: str) -> None:
        self.name = name
        self._made = made
        self._example = example

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        try:
            return self._made(str(value))
        except (FormatError, ValueError):
            self.fail(f"{value!r} is no {self.name}; {self._example}", param, ctx)


def _sum(text: str) -> Decimal:
    """A budget of nothing is none that was meant; no budget at all is said by leaving it out."""
    found = usd(text.removeprefix("$"))
    if found <= 0:
        raise ValueError(text)
    return found


TIME = _Said("time", hours_of, "8h are 8 hours, 90m are 90 minutes, 2d are 2 days")
"""Hours."""
MONEY = _Said("sum of US dollars above 0", _sum, "50 are 50 dollars, 12.50 are 12 and a half")
"""A Decimal."""
RATE = _Said("rate", size_of, "50M are 50 million bytes a second")
"""Bytes a second."""
