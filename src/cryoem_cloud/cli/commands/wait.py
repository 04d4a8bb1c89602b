"""cryoem wait."""

import time

import click

from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.jobs.following import follow
from cryoem_cloud.cli.saying import INTERRUPTED

__all__ = ["command"]


@click.command()
@click.argument(
    "numbers", metavar="ID…", type=int, nargs=-1, required=True, shell_complete=job_numbers
)
@click.option("--timeout", "limit_s", type=float, metavar="SECONDS", help="Give up then (124).")
def command(*, numbers: tuple[int, ...], limit_s: float | None) -> int:
    """Wait until jobs are home; the exit code is the first one that is not 0."""
    until_s = None if limit_s is None else time.monotonic() + limit_s
    found = [find(number) for number in numbers]
    first = 0
    for card in found:
        code = follow(card, lines=False, until_s=until_s)
        if code == INTERRUPTED:
            return code
        first = first or code
    return first
