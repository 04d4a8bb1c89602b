"""cryoem wait."""

import click

from cryoem_cloud.cli.finding import find
from cryoem_cloud.cli.following import follow

__all__ = ["command"]


@click.command()
@click.argument("numbers", metavar="ID…", type=int, nargs=-1, required=True)
@click.option("--timeout", "limit_s", type=float, metavar="SECONDS", help="Give up then (124).")
def command(*, numbers: tuple[int, ...], limit_s: float | None) -> int:
    """Wait until jobs are home; the exit code is the first one that is not 0."""
    codes = [follow(find(number), lines=False, limit_s=limit_s) for number in numbers]
    return next((code for code in codes if code), 0)
