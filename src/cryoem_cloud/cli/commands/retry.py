"""cryoem retry."""

import click

from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.again import ended_job, hand_in, standing_told

__all__ = ["command"]


@click.command()
@click.argument("number", metavar="ID", type=int, shell_complete=job_numbers)
def command(*, number: int) -> None:
    """Submit a job that has ended once more: the same script, in the same folders."""
    card, project, job = ended_job(number)
    new = hand_in(job, project)
    click.echo(f"Submitted batch job {new.number}")
    click.echo(
        f"cryoem: job {new.number} is job {number} ({card.name}) once more, from the beginning: "
        f"the same script, into {', '.join(new.outputs)}\n"
        "cryoem: of its inputs only what has changed is sent; what the earlier run left there "
        "stays until it is overwritten\n"
        f"cryoem: cryoem logs -f {new.number} follows it",
        err=True,
    )
    for line in standing_told(job, project):
        click.echo(f"cryoem: {line}", err=True)
