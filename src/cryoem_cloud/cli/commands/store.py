"""cryoem store."""

import click

from cryoem_cloud.cli.finding import the_project
from cryoem_cloud.cli.indexed import entries
from cryoem_cloud.cli.showing import as_json, table
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.units import counted, human_size

__all__ = ["command"]


@click.group()
def command() -> None:
    """Look into the project's store."""


@command.command(short_help="List the project's files that the store holds.")
@click.argument("prefix", default="")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def ls(*, prefix: str, json_: bool) -> int:
    """List the files of the project that the store holds.

    Those whose paths in the project begin with PREFIX, if one is given; exit code 1 where none do.
    """
    found = [
        entry
        for entry in entries(the_project()).values()
        if entry.path.startswith(prefix) and entry.kind is Kind.FILE
    ]
    found.sort(key=lambda entry: entry.path)
    nothing = bool(prefix) and not found
    if json_:
        click.echo(as_json({"files": [entry.to_json() for entry in found]}))
        return int(nothing)
    if nothing:
        click.echo(f"the store has nothing at {prefix} (cryoem store ls lists all)", err=True)
        return 1
    rows = [
        (human_size(entry.size), entry.path, entry.content.key if entry.content else "")
        for entry in found
    ]
    if rows:
        click.echo(table(("SIZE", "PATH", "KEY"), rows))
    click.echo(f"{counted(len(found), 'file')}, {human_size(sum(e.size for e in found))}", err=True)
    return 0
