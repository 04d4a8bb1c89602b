"""Asks at a terminal whether a job may cost what it may cost."""

import sys

import click

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.usd import usd
from cryoem_cloud.settings import Places, Settings

__all__ = ["agreed"]

_HOUR_S = 3600.0


def agreed(script: str, wish: Wish, settings: Settings, places: Places) -> bool:
    """Whether the user was asked, and agrees.

    Asked is where the setting ask_above says so; without a terminal nobody is, and the job waits.

    Raises:
        RefusedError: The user does not.
    """
    terminal = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    if not settings.ask_above or not terminal:
        return False
    told = _told(script, wish, settings, places)
    if not told:
        return False
    click.echo(f"cryoem: {told}", err=True)
    if not click.confirm("cryoem: go on?", err=True):
        raise RefusedError(
            "not submitted, as you do not agree to what it may cost",
            hint="--max-hours, --count and --machine make it less",
        )
    return True


def _told(script: str, wish: Wish, settings: Settings, places: Places) -> str:
    """What it may cost, where that is above the threshold or not known; "" else."""
    from cryoem_cloud.courier.money.pricing import estimate_of  # noqa: PLC0415  (only who is asked)
    from cryoem_cloud.planner.static import offers_for  # noqa: PLC0415  (heavy)
    from cryoem_cloud.ports.provider import LIMIT_S  # noqa: PLC0415  (heavy)
    from cryoem_cloud.wiring.catalogue import region_here  # noqa: PLC0415  (heavy)
    from cryoem_cloud.wiring.rates import rates_by  # noqa: PLC0415  (heavy)

    where = wish.where or settings.where
    estimate = estimate_of(
        (Offer(),) if where == "local" else offers_for(script, wish),
        rates_by(places, settings),
        where=where,
        region=region_here(places),
        count=wish.count or settings.count,
        lasts_s=wish.hours * _HOUR_S or LIMIT_S,
    )
    if estimate is None:
        return "" if where == "local" else "nobody knows what it may cost: no price is known"
    return f"it may cost {estimate.told()}" if estimate.usd > usd(settings.ask_above) else ""
