"""cryoem logs."""

import click

from cryoem_cloud.apps.verdict import without_last_words
from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.jobs.following import follow, write_piece
from cryoem_cloud.cli.jobs.tails import LOGS, tail_of

__all__ = ["command"]


@click.command()
@click.argument("number", metavar="ID", type=int, shell_complete=job_numbers)
@click.option("-f", "--follow", "follow_", is_flag=True, help="Go on until the job is home.")
@click.option("--err", is_flag=True, help="Its standard error instead of its output.")
def command(*, number: int, follow_: bool, err: bool) -> int:
    """Print what a job has printed.

    With -f its output and its error go to the streams of these names, and the exit code is the
    job's.
    """
    card = find(number)
    if follow_:
        return follow(card, lines=True)
    printed = False
    for log, data in tail_of(card).new():
        if log == LOGS[err]:
            printed = True
            write_piece("out", data)
    if card.reason and not printed:  # it was refused before a program said anything
        click.echo(f"cryoem: {without_last_words(card.reason)}", err=True)
    return 0
