"""cryoem store."""

import click

from cryoem_cloud.cli.finding import the_project
from cryoem_cloud.cli.indexed import entries
from cryoem_cloud.cli.showing import as_json, table
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.units import human_size

__all__ = ["command"]


@click.group()
def command() -> None:
    """Look into the project's store."""


@command.command()
@click.argument("prefix", default="")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def ls(*, prefix: str, json_: bool) -> None:
    """List the project's files that the store holds, by their paths in the project."""
    found = [
        entry
        for entry in entries(the_project()).values()
        if entry.path.startswith(prefix) and entry.kind is Kind.FILE
    ]
    found.sort(key=lambda entry: entry.path)
    if json_:
        click.echo(as_json({"files": [entry.to_json() for entry in found]}))
        return
    rows = [
        (human_size(entry.size), entry.path, entry.content.key if entry.content else "")
        for entry in found
    ]
    if rows:
        click.echo(table(("SIZE", "PATH", "KEY"), rows))
    click.echo(f"{len(found)} files, {human_size(sum(e.size for e in found))}", err=True)
