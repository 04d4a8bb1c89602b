"""cryoem connect."""

import shlex
import sys
from pathlib import Path

import click

from cryoem_cloud.cli.jobs.submitting import here
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.frontends.connect import (
    TEMPLATE,
    pipeliner_takes,
    queue_command,
    relion_files,
)
from cryoem_cloud.frontends.saved import saved_fields
from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.wiring.front import counter

__all__ = ["command"]

_ENOUGH = 20
"""Job numbers that should be in reserve, so that submitting needs no network."""


@click.group()
def command() -> None:
    """Make a front end hand its jobs to us."""


@command.command(short_help="Write what RELION and the pipeliner need for that.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the files are written; default: here.",
)
@click.option(
    "--fix-gui",
    is_flag=True,
    help="Change the fields that RELION has saved for new jobs and that name another queue.",
)
def relion(folder: Path, *, fix_gui: bool) -> None:
    """Write what RELION and the CCP-EM pipeliner need to hand their jobs to us.

    The current folder becomes a project if it is in none. Fields that RELION has saved there win
    over what is written; where they name another queue, it is told, and asked on a terminal
    whether to change them.
    """
    project = here(places())
    folder, launchers = folder.resolve(), Path(sys.prefix) / "bin"
    for name, text in relion_files(folder, launchers).items():
        write_whole(folder / name, text.encode("utf-8", "surrogateescape"), mode=0o755)
        click.echo(f"wrote {folder / name}")
    if not pipeliner_takes(launchers):
        click.echo(f"The pipeliner takes no queue command with a blank in its path: {launchers}")
    _reserve(project.store)
    command = queue_command(launchers)
    if not _mended(project.folder, folder / TEMPLATE, command, wanted=fix_gui):
        elsewhere = "" if folder == Path.cwd() else f" --dir {shlex.quote(str(folder))}"
        again = f"cryoem connect relion{elsewhere} --fix-gui"
        click.echo(f"\nClose RELION and change them with: {again}")
    click.echo(f"\nProject {project.name}, store {project.store}")
    click.echo("\nNow, in the shell from which you start RELION:\n")
    click.echo(f"    . {shlex.quote(str(folder / 'env.sh'))}\n    relion\n")
    click.echo('In a job\'s Running tab choose "Submit to queue: Yes", and press Run.')


def _mended(project: Path, template: Path, command: str, *, wanted: bool) -> bool:
    """Tell of saved fields that keep new jobs from us; whether none is left, as was wanted."""
    found = saved_fields(project, command, template)
    if not found:
        return True
    click.echo("\nRELION has saved other fields for its next jobs, which win over these files:\n")
    for saved in found:
        click.echo(f"    {saved.file.name}  {saved.said()}")
    if not wanted and not _agreed():
        return False
    for saved in found:
        mode = saved.file.stat().st_mode & 0o777
        write_whole(saved.file, saved.mended())
        saved.file.chmod(mode)
        click.echo(f"changed {saved.file.name}")
    return True


def _agreed() -> bool:
    """Whether there is a terminal, and somebody there says yes."""
    there = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
    return there and click.confirm("\nChange them (with RELION closed)?")


def _reserve(store: str) -> None:
    desk = counter(places(), store)
    try:
        if desk.numbers.left() < _ENOUGH:
            desk.numbers.add(desk.reserve())
    except StoreError as error:
        click.echo(f"job numbers could not be reserved yet: {error}", err=True)
