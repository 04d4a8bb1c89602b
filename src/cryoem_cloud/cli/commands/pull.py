"""cryoem pull."""

import click

from cryoem_cloud.cli.finding import the_project
from cryoem_cloud.cli.indexed import entries
from cryoem_cloud.cli.submitting import inside
from cryoem_cloud.model.errors import NotFoundError, RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.paths import OUTSIDE, is_below
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import human_size
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.mover.space import require_space
from cryoem_cloud.wiring.front import store_at

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--force", is_flag=True, help="Replace files that differ here.")
def command(*, paths: tuple[str, ...], force: bool) -> None:
    """Bring files, and folders with all that is in them, home from the project's store.

    A file that is here as the store has it is left alone; one that differs is kept unless --force
    is given.
    """
    project = the_project()
    named = tuple(inside(project, path) for path in paths)
    known = entries(project).values()
    wanted = [entry for entry in known if any(is_below(entry.path, path) for path in named)]
    files = [e for e in wanted if e.kind is Kind.FILE and not e.path.startswith(OUTSIDE)]
    if not files:
        raise NotFoundError(
            f"the store has nothing at {', '.join(paths)}", hint="cryoem store ls lists its files"
        )
    fresh = [entry for entry in files if _wanted(project, entry, force=force)]
    size = sum(entry.size for entry in fresh)
    require_space(project.folder, size, purpose="pulling")
    fetch_files(
        store_at(project.store),
        project.name,
        [(entry, project.folder / entry.path) for entry in fresh],
    )
    click.echo(f"{len(fresh)} of {len(files)} files brought home, {human_size(size)}", err=True)


def _wanted(project: Project, entry: Entry, *, force: bool) -> bool:
    path = project.folder / entry.path
    if not path.exists():
        return True
    found = path.stat()
    if (found.st_size, found.st_mtime_ns) == (entry.size, entry.mtime_ns):
        return False
    if not force:
        raise RefusedError(
            f"{entry.path} here differs from the store's", hint="--force replaces it"
        )
    return True
