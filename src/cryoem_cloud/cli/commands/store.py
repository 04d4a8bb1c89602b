"""cryoem store."""

import click

from cryoem_cloud.cli.files.indexed import entries
from cryoem_cloud.cli.files.using import folders_of
from cryoem_cloud.cli.money.paying import stored_usd
from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.standing import beginning, inside, the_project
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.paths import is_below, normal
from cryoem_cloud.model.units import counted, human_size, human_usd

__all__ = ["command"]


@click.group()
def command() -> None:
    """Look into the project's store."""


@command.command(short_help="List the project's files that the store holds.")
@click.argument("prefix", default="")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def ls(*, prefix: str, json_: bool) -> int:
    """List the files of the project that the store holds.

    Those whose paths begin with PREFIX, if one is given, which counts from the current folder; exit
    code 1 where none do.
    """
    project = the_project()
    start = beginning(project, prefix)
    found = [
        entry
        for entry in entries(project).values()
        if entry.path.startswith(start) and entry.kind is Kind.FILE
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


@command.command(short_help="Say how much the store holds of the project.")
@click.argument("prefix", default="")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def du(*, prefix: str, json_: bool) -> None:
    """Say how much the store holds of the project's files, folder by folder, and what that costs.

    Those in the folder PREFIX, if one is given, which counts from the current folder.
    SIZE is the files' own, STORED what is left of it in the store, where files of the same content
    are kept once. The last line counts all objects: also older versions, journals and records.
    """
    project = the_project()
    named = normal(inside(project, prefix)) if prefix else "."
    found = [
        entry
        for entry in entries(project).values()
        if entry.kind is Kind.FILE and is_below(entry.path, named)
    ]
    folders = folders_of(found, named)
    whole, monthly = stored_usd(project)
    if json_:
        rows = [folder.to_json() for folder in folders]
        click.echo(as_json({"folders": rows, "store_bytes": whole, "usd_a_month": f"{monthly:f}"}))
        return
    lines = [(human_size(f.stored), human_size(f.size), str(f.files), f.name) for f in folders]
    if lines:
        click.echo(table(("STORED", "SIZE", "FILES", "FOLDER"), lines))
    price = f", {human_usd(monthly)} a month at list price" if monthly else ""
    click.echo(f"{human_size(whole)} of the project in the store, all told{price}", err=True)
