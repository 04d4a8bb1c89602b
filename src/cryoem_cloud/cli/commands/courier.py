"""cryoem courier."""

import sys
from pathlib import Path

import click

from cryoem_cloud.cli.jobs.takeover import take_over
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.cli.units import unit_file
from cryoem_cloud.courier import start
from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.units import counted

__all__ = ["command"]


@click.group()
def command() -> None:
    """Look after the program that works in the background."""


@command.command()
@click.option("--json", "json_", is_flag=True, help="For programs.")
def status(*, json_: bool) -> None:
    """Say whether a courier runs, and for which jobs."""
    runs = start.running(places())
    slips = start.spool_of(places()).slips()
    jobs = [slip.job.number for slip in slips]
    if json_:
        log = str(start.log_file(places()))
        click.echo(as_json({"running": runs, "jobs": jobs, "log": log}))
        return
    click.echo(
        f"{'runs' if runs else 'does not run'}; {counted(len(jobs), 'job is', 'jobs are')} not home"
    )
    for slip in slips:
        click.echo(f"  job {slip.job.number}  {slip.job.name}  {slip.project.folder}")
    click.echo(f"log: {start.log_file(places())}")


@command.command()
def wake() -> None:
    """Start a courier if jobs are not home and none runs; says nothing."""
    start.wake(places())


@command.command()
def install() -> None:
    """Have the system keep a courier running, across logout and reboot."""
    launcher = Path(sys.prefix) / "bin" / "cryoem"
    file, text, enable = unit_file(sys.platform, Path.home(), launcher)
    write_whole(file, text.encode(), mode=0o644)
    click.echo(f"wrote {file}\nNow enable it:\n\n    {enable}\n")


@command.command(short_help="Be the courier, in the foreground.")
def stay() -> None:
    """Be the courier, in the foreground, until told to end; what the system's units run."""
    # The heaviest of our programs; other words of this command must not wait for it.
    from cryoem_cloud.wiring.background import run_courier  # noqa: PLC0415

    run_courier(places(), stay=True)


@command.command(short_help="Bring jobs home here that another computer has dropped.")
def follow() -> None:
    """Bring the current project's jobs home here, that another computer's courier has dropped.

    One job alone is taken over by cryoem adopt.
    """
    looked_at = tuple(take_over(the_project(), places()))
    if not looked_at:
        click.echo("no job of the project's is with another computer", err=True)
    for taken in looked_at:
        fate = f"left: {taken.why_not}" if taken.why_not else "is brought home here"
        click.echo(f"job {taken.number}  {taken.name}  {fate}")
    start.wake(places())
