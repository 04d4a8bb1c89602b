"""Asks at a terminal whether a job may cost what it may cost."""

import sys
from decimal import Decimal

import click

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.usd import usd
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Places, Settings

__all__ = ["agreed"]


def agreed(asked: Asked, project: Project, settings: Settings, places: Places) -> bool:
    """Whether the user was asked, and agrees.

    Asked is by what a plan expects nine times of ten, or where there is none by the most that is
    possible: above the setting ask_above, or the job's own budget, whichever is less. Without a
    terminal nobody is asked, and the job waits.

    Raises:
        RefusedError: The user does not.
    """
    terminal = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    above = _threshold(asked, settings)
    if above is None or not terminal:
        return False
    from cryoem_cloud.cli.jobs.expecting import told  # noqa: PLC0415  (heavy, for who is asked)

    said = told(asked, project, settings, places, above=above)
    if not said:
        return False
    click.echo(f"cryoem: {said}", err=True)
    if not click.confirm("cryoem: go on?", err=True):
        raise RefusedError(
            "not submitted, as you do not agree to what it may cost",
            hint="--max-hours, --max-machines, --machine and --budget make it less",
        )
    return True


def _threshold(asked: Asked, settings: Settings) -> Decimal | None:
    sums = [usd(settings.ask_above)] if settings.ask_above else []
    return min([*sums, asked.wish.budget_usd] if asked.wish.budget_usd else sums, default=None)
