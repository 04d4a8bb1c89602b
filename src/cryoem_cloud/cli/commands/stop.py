"""cryoem stop."""

import click

from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.jobs.stopping import ask_to_stop

__all__ = ["command"]


@click.command()
@click.argument(
    "numbers", metavar="ID…", type=int, nargs=-1, required=True, shell_complete=job_numbers
)
def command(*, numbers: tuple[int, ...]) -> None:
    """Stop jobs, wherever they are; what they have made so far comes home."""
    for number in numbers:
        click.echo(ask_to_stop(find(number)), err=True)
