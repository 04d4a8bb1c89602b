"""cryoem retry."""

import click

from cryoem_cloud.cli.again import ended_job, hand_in, standing_told
from cryoem_cloud.cli.completing import job_numbers

__all__ = ["command"]


@click.command()
@click.argument("number", metavar="ID", type=int, shell_complete=job_numbers)
def command(*, number: int) -> None:
    """Submit a job that has ended once more: the same script, in the same folders."""
    card, project, job = ended_job(number)
    new = hand_in(job, project, job.script)
    click.echo(f"Submitted batch job {new.number}")
    click.echo(
        f"cryoem: job {new.number} is job {number} ({card.name}) once more: the same script, into "
        f"{', '.join(new.outputs)}; of its inputs only what has changed is sent\n"
        f"cryoem: cryoem logs -f {new.number} follows it",
        err=True,
    )
    for line in standing_told(job, project):
        click.echo(f"cryoem: {line}", err=True)
