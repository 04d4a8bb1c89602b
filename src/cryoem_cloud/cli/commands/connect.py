"""cryoem connect."""

import shlex
import sys
from pathlib import Path

import click

from cryoem_cloud.cli.finding import places
from cryoem_cloud.cli.submitting import here
from cryoem_cloud.courier.whole import write_whole
from cryoem_cloud.frontends.connect import relion_files
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
def relion(folder: Path) -> None:
    """Write what RELION and the CCP-EM pipeliner need to hand their jobs to us.

    The current folder becomes a project if it is in none.
    """
    project = here(places())
    folder = folder.resolve()
    for name, text in relion_files(folder, Path(sys.prefix) / "bin").items():
        write_whole(folder / name, text.encode("utf-8", "surrogateescape"), mode=0o755)
        click.echo(f"wrote {folder / name}")
    _reserve(project.store)
    click.echo(f"\nProject {project.name}, store {project.store}")
    click.echo("\nNow, in the shell from which you start RELION:\n")
    click.echo(f"    . {shlex.quote(str(folder / 'env.sh'))}\n    relion\n")
    click.echo('In a job\'s Running tab choose "Submit to queue: Yes", and press Run.')


def _reserve(store: str) -> None:
    desk = counter(places(), store)
    try:
        if desk.numbers.left() < _ENOUGH:
            desk.numbers.add(desk.reserve())
    except StoreError as error:
        click.echo(f"job numbers could not be reserved yet: {error}", err=True)
